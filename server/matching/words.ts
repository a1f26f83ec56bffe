// Word lists that matching relies on. English, because the model and the lists were validated on English only.
// Owns: which words carry no meaning of their own, which are other spellings, which are opposites, which are names of a class.
// Always true: lower case, no inflection unless it is listed; a word may stand in several classes.

const list = (words: string): string[] => words.trim().split(/\s+/);

/** Never change what is asked. */
export const courtesy: ReadonlySet<string> = new Set(list(`
  please pls plz thanks thank thx ty cheers hi hey hello kindly sorry ok okay so well hmm btw fyi quick question anyone somebody
  someone help ask asking wondering wonder wanna gonna appreciate appreciated grateful regards folks guys mate dear bit just
  really actually basically simply possible mind advance friend kind excuse trouble idea ideas advise advice obvious`));

/** Shape a question but are not what it is about. Prepositions of direction are read by the direction guard. */
export const functionWords: ReadonlySet<string> = new Set(list(`
  a an the is are was were be been being am do does did doing to of in on at by for from with into onto as and or but if then than
  that this these those it its i me my mine we us our you your he she they them their there here how can could would should will
  shall may might must want wants wanted need needs like liked tell show give get gets got let lets have has had having use using
  used way any some what which who s t ve re m ll d when where while not no about through via also too very such per
  trying try looking one whats hows theres wheres thats im ive youre dont able`));

/** Ask for a text or code that the rest of the question names: "write a regex for …" and "regex for …" are the same. */
export const framingWords: ReadonlySet<string> = new Set(list('write generate provide draft compose explain check'));

export const negations: ReadonlySet<string> = new Set(list(
  'not no never without none neither nor nothing except cannot dont doesnt isnt arent cant wont didnt shouldnt couldnt wouldnt wasnt non unless'));

export const numberWords: ReadonlyMap<string, string> = new Map(Object.entries({
  zero: '0', two: '2', three: '3', four: '4', five: '5', six: '6', seven: '7', eight: '8', nine: '9', ten: '10', eleven: '11',
  twelve: '12', fifteen: '15', twenty: '20', thirty: '30', forty: '40', fifty: '50', sixty: '60',
}));

export const units: ReadonlyMap<string, string> = new Map(Object.entries({
  ms: 'ms', millisecond: 'ms', milliseconds: 'ms', msec: 'ms', s: 's', sec: 's', secs: 's', second: 's', seconds: 's', min: 'min',
  m: 'min', mins: 'min', minute: 'min', minutes: 'min', h: 'h', hr: 'h', hrs: 'h', hour: 'h', hours: 'h', day: 'd', days: 'd', week: 'w',
  weeks: 'w', month: 'mo', months: 'mo', year: 'y', years: 'y', kb: 'kb', kilobytes: 'kb', mb: 'mb', megabyte: 'mb', megabytes: 'mb',
  gb: 'gb', gigabyte: 'gb', gigabytes: 'gb', tb: 'tb', am: 'am', pm: 'pm', px: 'px', pixel: 'px', pixels: 'px', percent: '%',
}));

/** Two words that are one. */
export const joinedWords: ReadonlyMap<string, string> = new Map(Object.entries({
  'regular expression': 'regex', 'regular expressions': 'regex', 'reg exp': 'regex', 'reg ex': 'regex', 'pull request': 'pr',
  'pull requests': 'pr', 'merge request': 'mr', 'command line': 'cli', 'type script': 'typescript', 'java script': 'javascript',
  'query string': 'querystring', 'vs code': 'vscode', 'visual studio': 'vscode', 'c sharp': 'csharp', 'dev tools': 'devtools',
  'stack overflow': 'stackoverflow', 'pre commit': 'precommit', 'by default': 'default', 'as well': 'too',
}));

/** Other spellings of one word, and abbreviations that everybody writes. */
const spellings: readonly string[][] = [
  'javascript js', 'typescript ts', 'python py python3', 'golang go', 'csharp cs', 'cpp cplusplus', 'ruby rb', 'rust rs', 'kotlin kt', 'postgres postgresql pg psql',
  'kubernetes k8s kube', 'repository repo', 'function func fn', 'directory dir folder', 'directories dirs folders', 'environment env',
  'variable var', 'parameter param', 'argument arg', 'configuration config conf cfg', 'database db', 'production prod', 'development dev',
  'authentication auth authn', 'message msg', 'string str', 'integer int', 'number num no', 'regex regexp', 'expression expr', 'document doc',
  'documentation docs', 'application app', 'administrator admin', 'temporary temp tmp', 'previous prev', 'maximum max', 'minimum min',
  'average avg mean', 'standard std', 'column col', 'character char', 'boolean bool', 'object obj', 'array arr', 'dictionary dict',
  'dataframe df', 'response resp', 'request req', 'specification spec', 'information info', 'language lang', 'package pkg', 'command cmd',
  'image img', 'button btn', 'source src', 'destination dest', 'difference diff', 'differences diffs', 'initialize initialise init', 'reference ref',
  'synchronize sync', 'utility util', 'error err', 'exception ex', 'address addr', 'asynchronous async', 'markdown md', 'yaml yml',
  'color colour', 'normalize normalise', 'optimize optimise', 'serialize serialise', 'organize organise', 'behavior behaviour', 'center centre', 'gray grey', 'summarize summarise',
  'memoize memoise', 'capitalize capitalise', 'virtualize virtualise', 'minimize minimise', 'maximize maximise', 'without wo',
  'versus vs', 'windows win', 'macos osx mac', 'internationalization i18n', 'localization l10n', 'accessibility a11y', 'latest newest', 'implementation impl',
  'certificate cert', 'password pw passwd pwd', 'delete del', 'remove rm', 'attribute attr', 'property prop', 'properties props', 'element elem', 'equal eq', 'greater gt',
  'ascending asc', 'descending desc', 'identifier id', 'separator sep', 'delimiter delim', 'navigation nav', 'pagination paging', 'timestamp ts', 'terminal term', 'github gh',
].map(list);
export const spelling: ReadonlyMap<string, string> = new Map(spellings.flatMap(([first, ...others]) => others.map(o => [o, first!] as const)));

/** Words of which one excludes the other. Read only where both stand unmatched, one on either side. */
const oppositePairs = `
  on:off open:close enable:disable show:hide start:stop add:remove add:delete insert:delete insert:remove create:delete create:drop create:remove
  ascending:descending increase:decrease increment:decrement encode:decode encrypt:decrypt compress:decompress compress:extract zip:unzip
  pack:unpack serialize:deserialize parse:stringify parse:format parse:serialize marshal:unmarshal escape:unescape import:export upload:download
  push:pull push:pop read:write load:save save:discard lock:unlock mute:unmute mount:unmount install:uninstall upgrade:downgrade
  subscribe:unsubscribe register:unregister allow:deny allow:block allow:forbid permit:deny accept:reject include:exclude expand:collapse fold:unfold indent:outdent
  indent:dedent attach:detach connect:disconnect bind:unbind wrap:unwrap stage:unstage stash:unstash check:uncheck select:deselect
  encode:parse first:last top:bottom left:right up:down above:below over:under inside:outside inner:outer front:back
  newest:oldest latest:oldest new:old highest:lowest largest:smallest biggest:smallest longest:shortest max:min maximum:minimum most:least more:less
  more:fewer greater:less greater:smaller larger:smaller bigger:smaller longer:shorter higher:lower faster:slower slow:fast earliest:latest earlier:later
  early:late next:previous forward:backward forwards:backwards upper:lower uppercase:lowercase horizontal:vertical horizontally:vertically
  row:column rows:columns width:height public:private global:local client:server server:browser frontend:backend sync:async synchronous:asynchronous mutable:immutable
  static:dynamic signed:unsigned positive:negative even:odd true:false null:undefined empty:nonempty empty:full equal:different same:different success:failure
  success:error pass:fail valid:invalid visible:hidden dark:light black:white primary:secondary parent:child ancestor:descendant
  inclusive:exclusive shallow:deep strict:loose strong:weak lazy:eager greedy:lazy sensitive:insensitive local:remote local:production staging:production
  development:production train:test training:test input:output source:target source:destination sender:receiver producer:consumer request:response
  key:value keys:values name:value index:value begin:end start:end prefix:suffix begins:ends starts:ends startswith:endswith append:prepend
  merge:split join:split combine:split concat:split join:leave leading:trailing rebase:merge commit:revert undo:redo cut:paste copy:move minify:beautify minify:format
  advantages:disadvantages pros:cons good:bad better:worse best:worst buy:sell win:lose past:future daily:weekly daily:monthly daily:hourly weekly:monthly weekly:yearly monthly:yearly
  hourly:weekly monday:sunday summer:winter always:never all:none all:last any:all some:all single:multiple each:all only:all only:also least:most
  float:int float:integer double:single round:truncate ceil:floor sum:average sum:count count:average union:intersection union:difference
  intersection:difference array:object array:string array:set list:set list:tuple list:dictionary map:filter map:reduce map:set stack:queue heap:stack
  get:post get:put get:delete post:put post:patch put:patch put:delete http:https tcp:udp horizontal:diagonal ipv4:ipv6 rows:cells
  file:folder file:directory file:line file:function function:class class:method line:word line:file word:character character:line paragraph:sentence
  user:group branch:tag tag:commit commit:branch interface:type interface:class enum:interface
  explain:fix explain:rewrite explain:translate fix:explain convert:explain debug:explain test:explain document:test rename:delete rename:move copy:delete
  why:how when:why who:why where:why internal:external incoming:outgoing inbound:outbound temporary:permanent temporarily:permanently foreground:background online:offline manual:automatic
  manually:automatically simple:complex long:short tall:short wide:narrow thin:thick cheap:expensive success:failed passing:failing used:unused known:unknown
  authenticate:authorize authentication:authorization login:logout signin:signout log_in:log_out admin:user integration:unit minor:major minor:patch major:patch
  week:month day:week day:month month:year day:year hour:day minute:hour second:minute week:year today:yesterday today:tomorrow yesterday:tomorrow morning:evening`;

export const opposites: ReadonlyMap<string, ReadonlySet<string>> = mapOf(oppositePairs);

function mapOf(pairs: string): Map<string, Set<string>> {
  const map = new Map<string, Set<string>>();
  for (const pair of list(pairs)) {
    const [a, b] = pair.split(':') as [string, string];
    map.set(a, (map.get(a) ?? new Set()).add(b));
    map.set(b, (map.get(b) ?? new Set()).add(a));
  }
  return map;
}

/** Closed classes: two different members are two different things. A word may be in one class only. */
const classes: Readonly<Record<string, string>> = {
  language: `javascript typescript python golang rust java kotlin scala swift ruby php perl lua haskell elixir erlang clojure dart csharp cpp c
    fsharp r julia matlab bash zsh fish powershell groovy cobol fortran zig nim ocaml solidity vba objective`,
  format: 'json csv tsv yaml toml xml html markdown ini parquet avro protobuf pdf latex plaintext svg png jpg jpeg gif webp mp3 mp4 docx xlsx',
  database: 'postgres mysql mariadb sqlite oracle mssql mongodb mongo redis cassandra dynamodb elasticsearch clickhouse duckdb bigquery snowflake neo4j firestore',
  framework: `react vue angular svelte solid preact ember jquery nextjs nuxt remix gatsby express fastify koa nestjs hono django flask fastapi rails laravel
    symfony spring quarkus micronaut ktor gin echo fiber actix axum rocket phoenix aspnet blazor flutter electron tauri`,
  testing: 'jest vitest mocha jasmine cypress playwright selenium puppeteer pytest unittest junit testng rspec minitest phpunit nunit xunit mstest',
  packager: 'npm yarn pnpm bun pip poetry pipenv uv conda cargo maven gradle composer bundler nuget brew apt dnf yum pacman winget choco',
  libraryPython: 'pandas polars numpy scipy pyspark dask pytorch tensorflow keras jax sklearn xgboost lightgbm requests httpx aiohttp urllib matplotlib seaborn plotly sqlalchemy pydantic celery',
  libraryScript: 'lodash ramda underscore axios fetch got zod yup joi moment dayjs luxon prisma drizzle typeorm sequelize mongoose knex redux zustand mobx pinia vuex tailwind bootstrap webpack vite rollup esbuild parcel eslint prettier biome',
  libraryOther: 'jackson gson moshi hibernate jpa mybatis serde tokio rayon gorm sqlx dapper newtonsoft guzzle eloquent activerecord sidekiq',
  cloud: 'aws azure gcp heroku vercel netlify cloudflare digitalocean',
  container: 'docker podman kubernetes helm terraform ansible pulumi vagrant',
  system: 'linux windows macos ubuntu debian fedora centos alpine arch android ios',
  editor: 'vim neovim nano emacs vscode intellij pycharm webstorm sublime xcode',
  versioning: 'git svn mercurial',
  forge: 'github gitlab bitbucket jenkins circleci travis',
  human: 'english french german spanish italian portuguese dutch polish russian chinese japanese korean arabic hindi turkish swedish danish',
  ordinal: 'first second third fourth fifth last 1. 2. 3. 4. 5.',
  verbHttp: 'get post put patch delete head options',
  join: 'left right inner outer full cross',
  day: 'monday tuesday wednesday thursday friday saturday sunday',
  month: 'january february march april june july august september october november december',
  color: 'red green blue yellow orange purple black white gray pink cyan magenta brown',
  sorting: 'bubble quick merge heap insertion selection radix counting',
  structure: 'stack queue heap trie tree graph linkedlist deque',
  brackets: 'parentheses brackets braces quotes backticks',
};
export const classOf: ReadonlyMap<string, string> = new Map(
  Object.entries(classes).flatMap(([name, members]) => list(members).map(member => [member, name] as const)),
);
/** Classes whose members name a tool or language: what one of them answers does not help with another. */
export const toolClasses: ReadonlySet<string> = new Set([
  'language', 'database', 'framework', 'testing', 'packager', 'libraryPython', 'libraryScript', 'libraryOther', 'cloud', 'container', 'system', 'editor',
  'versioning', 'forge', 'human',
]);

/** What the person wants done, by the verb or question word that says so. Only acts that no other act answers. */
const acts: Readonly<Record<string, string>> = {
  explain: 'explain describe understand meaning means mean why reason cause walk clarify happening',
  fix: 'fix repair resolve solve debug correct mend',
  test: 'test tests unittest unittests spec testcase testcases',
  document: 'document docstring docstrings jsdoc javadoc readme comment comments changelog',
  review: 'review critique audit smell smells feedback',
  refactor: 'refactor clean tidy simplify restructure rewrite shorten extract inline split',
  convert: 'convert translate port migrate transform turn',
  speed: 'optimize faster speed performance slow complexity',
  types: 'annotate annotation annotations hints typing',
  log: 'log logging logs print',
  name: 'rename name naming',
  remove: 'delete remove drop',
  compare: 'versus difference differences compare comparison differ',
};
export const actOf: ReadonlyMap<string, string> = new Map(
  Object.entries(acts).flatMap(([name, members]) => list(members).map(member => [member, name] as const)),
);

/** What one does to a text that is quoted, rather than with the question in it. */
export const quotingWords: ReadonlySet<string> = new Set(list(
  'translate grammar rewrite rephrase paraphrase summarise summarize proofread spelling prompt commit todo answered replied colleague wording opposite'));

/** What a text points at that is not in it. */
export const referents: ReadonlySet<string> = new Set(list(`
  it this that these those same again above below previous other one ones else there here former latter both them now instead`));

export const quantifiers: ReadonlySet<string> = new Set(list(
  'only first last exactly once unique distinct'));

/** Prepositions and the like: with another one the same words ask for something else. */
export const shapingPrepositions: ReadonlySet<string> = new Set(list(
  'to from into onto in on off of at by with without before after over under through via as than and or if when while not no between about per like up down out but why'));

/** Begin a demand that narrows or widens the answer. */
export const constraintWords: ReadonlySet<string> = new Set(list(
  'without with using only but except unless instead must should also and plus via than keep keeping preserve preserving avoid avoiding case sensitive insensitive recursively ignoring including excluding while inside within per'));
