// What has to happen in Redis in one piece, as Lua. Each script touches one slot: an entry with what finds it, or the
// lists of one namespace.
// Always true: the scripts run on Redis 6.2 and later; one that only reads can run on a replica; keys that are written
// are named, so that a script fails whole (and is tried again) while a Cluster moves its slot.

import { redisScript } from './redisConnection.ts';

/**
 * Writes an entry and what finds it by meaning. KEYS: its hash, its use; with a vector also the members of its scope and,
 * where the level keeps one, the vector set. ARGV: now, id, expires, updated, created, hits, lastHit, meta, generations,
 * namespace, tag, writer, fp or '', vector or '', dimensions, key of members up to FP, key of the vector set up to FP or
 * '', 1 to leave an entry alone that is as new.
 * Returns 1, or 0 where it was left alone; an error SEMCACHE-LENGTH n where the scope's other vectors have n numbers.
 * The hash is written by one command: each one makes the query engine index it again.
 */
export const putScript = redisScript(`
local now, id, expires, updated, created, hits, lastHit, meta, generations, ns, tag, writer, fp, vector, dimensions, members, vectors, ifNewer =
  tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11], ARGV[12],
  ARGV[13], ARGV[14], tonumber(ARGV[15]), ARGV[16], ARGV[17], ARGV[18]
local entry, use = KEYS[1], KEYS[2]
if fp ~= '' then
  for _, other in ipairs(redis.call('ZREVRANGE', KEYS[3], 0, 1)) do
    if other ~= id then
      local length = redis.call('HSTRLEN', string.sub(entry, 1, -1 - #id) .. other, 'vector:' .. fp)
      if length > 0 and length ~= dimensions * 4 then return redis.error_reply('SEMCACHE-LENGTH ' .. length / 4) end
    end
  end
end
local old = redis.call('HMGET', entry, 'expires', 'updated', 'fp', 'created')
if old[1] and tonumber(old[1]) > now then
  if ifNewer == '1' and tonumber(old[2]) >= tonumber(updated) then return 0 end
  created = old[4]
else
  redis.call('DEL', entry, use)
  if hits ~= '0' then redis.call('HSET', use, 'hits', hits) end
  if lastHit ~= '' then redis.call('HSET', use, 'lastHit', lastHit) end
end
if old[3] and old[3] ~= '' and old[3] ~= fp then
  redis.call('HDEL', entry, 'vector:' .. old[3])
  redis.call('ZREM', members .. old[3], id)
  if vectors ~= '' then redis.call('VREM', vectors .. old[3], id) end
end
local fields = {'meta', meta, 'generations', generations, 'ns', ns, 'scope', tag, 'by', writer, 'created', created,
  'expires', ARGV[3], 'updated', updated, 'fp', fp}
if fp ~= '' then
  table.insert(fields, 'vector:' .. fp)
  table.insert(fields, vector)
end
redis.call('HSET', entry, unpack(fields))
if fp ~= '' then
  local time = redis.call('TIME')
  redis.call('ZADD', KEYS[3], string.format('%d%06d', time[1], time[2]), id)
  if vectors ~= '' then redis.call('VADD', KEYS[4], 'FP32', vector, id, 'EF', 100) end
end
local ttl = math.max(1, math.min(expires - now, 1e14))
redis.call('PEXPIRE', entry, ttl)
redis.call('PEXPIRE', use, ttl)
return 1
`);

/**
 * Removes an entry and what finds it. KEYS: its hash, its use. ARGV: id, key of members up to FP, key of the vector set up to FP
 * or '', fps to look in when the hash is gone already. Returns 1 where the hash was there.
 */
export const removeScript = redisScript(`
local id, members, vectors = ARGV[1], ARGV[2], ARGV[3]
local fp = redis.call('HGET', KEYS[1], 'fp')
local function forget(one)
  redis.call('ZREM', members .. one, id)
  if vectors ~= '' then redis.call('VREM', vectors .. one, id) end
end
if fp and fp ~= '' then forget(fp) end
if not fp then for at = 4, #ARGV do forget(ARGV[at]) end end
redis.call('DEL', KEYS[2])
return redis.call('DEL', KEYS[1])
`);

/** Counts a hit on an entry that is still there. KEYS: its hash, its use. ARGV: at, now. Returns 1, or 0 when it is gone. */
export const hitScript = redisScript(`
local expires = redis.call('HGET', KEYS[1], 'expires')
if not expires or tonumber(expires) <= tonumber(ARGV[2]) then return 0 end
redis.call('HINCRBY', KEYS[2], 'hits', 1)
redis.call('HSET', KEYS[2], 'lastHit', ARGV[1])
redis.call('PEXPIRE', KEYS[2], math.max(1, redis.call('PTTL', KEYS[1])))
return 1
`);

/** Takes an id off what finds the entries of an instruction. */
const forgetAsked = `
local function forgetAsked(asks, asked, id)
  local key = redis.call('HGET', asks, id)
  if not key then return end
  redis.call('HDEL', asks, id)
  redis.call('ZREM', asked, key .. ' ' .. id)
end
`;

/**
 * Enters an entry in its namespace's lists. KEYS: where, used, updated, expires, asks, asked; ARGV: id, tag, used, updated,
 * expires, bound, now, first digits of its instruction key. Returns id and tag of each entry that has to go, expired ones first, then the least recently used
 * beyond the bound; they are off the lists already. An earlier tag of this id comes last, as "id, tag" too.
 */
export const enterScript = redisScript(`${forgetAsked}
local where, used, updated, expires, asks, asked = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local id, tag, bound, now = ARGV[1], ARGV[2], tonumber(ARGV[6]), ARGV[7]
local old = redis.call('HGET', where, id)
redis.call('HSET', where, id, tag)
redis.call('ZADD', used, ARGV[3], id)
redis.call('ZADD', updated, ARGV[4], id)
redis.call('ZADD', expires, ARGV[5], id)
redis.call('HSET', asks, id, ARGV[8])
redis.call('ZADD', asked, 0, ARGV[8] .. ' ' .. id)
local gone = {}
local function remove(other)
  table.insert(gone, other)
  table.insert(gone, redis.call('HGET', where, other) or '')
  redis.call('HDEL', where, other)
  redis.call('ZREM', used, other)
  redis.call('ZREM', updated, other)
  redis.call('ZREM', expires, other)
  forgetAsked(asks, asked, other)
end
for _, other in ipairs(redis.call('ZRANGEBYSCORE', expires, '-inf', now, 'LIMIT', 0, 100)) do remove(other) end
local over = redis.call('ZCARD', used) - bound
if over > 0 then
  for _, other in ipairs(redis.call('ZRANGE', used, 0, math.min(over, 500) - 1)) do remove(other) end
end
if old and old ~= tag then
  table.insert(gone, id)
  table.insert(gone, old)
end
return gone
`);

/** Takes ids off a namespace's lists. KEYS: where, used, updated, expires, asks, asked; ARGV: ids. */
export const leaveScript = redisScript(`${forgetAsked}
for _, id in ipairs(ARGV) do
  redis.call('HDEL', KEYS[1], id)
  for list = 2, 4 do redis.call('ZREM', KEYS[list], id) end
  forgetAsked(KEYS[5], KEYS[6], id)
end
return #ARGV
`);

/**
 * Keeps what a person said of a pair of instructions, unless something later was said of it. KEYS: tombstones, aliases,
 * ruled; ARGV: the pair, the moment, 1 for the same or ''. Returns 1 where it was kept.
 */
export const ruleScript = redisScript(`
local pair, at, same = ARGV[1], ARGV[2], ARGV[3] == '1'
for list = 1, 2 do
  local earlier = redis.call('HGET', KEYS[list], pair)
  if earlier and tonumber(earlier) > tonumber(at) then return 0 end
end
redis.call('HDEL', same and KEYS[1] or KEYS[2], pair)
redis.call('HSET', same and KEYS[2] or KEYS[1], pair, at)
local time = redis.call('TIME')
redis.call('SET', KEYS[3], string.format('%d%06d', time[1], time[2]))
return 1
`);

/**
 * The nearest of a vector set with fields of their hashes. KEYS: the vector set, its members; ARGV: key of entries up to
 * the id, vector, count, EF, then the fields. Returns -1 where the set lacks some of the members and has to be rebuilt, else a
 * list of [id, values]. An entry may be gone, or on another master while the Cluster moves the slot.
 */
export const nearestInSetScript = redisScript(`
local set, members = KEYS[1], KEYS[2]
local known = redis.call('ZCARD', members)
if known == 0 then return {} end
if redis.call('VCARD', set) < known then return -1 end
local found = {}
for _, id in ipairs(redis.call('VSIM', set, 'FP32', ARGV[2], 'COUNT', ARGV[3], 'EF', ARGV[4])) do
  table.insert(found, {id, redis.call('HMGET', ARGV[1] .. id, unpack(ARGV, 5))})
end
return found
`);

/**
 * Adds members to a vector set from their hashes. KEYS: the vector set, its members; ARGV: key of entries up to the id,
 * fp, offset, count. Returns how many members there were from the offset.
 */
export const rebuildSetScript = redisScript(`
local ids = redis.call('ZRANGE', KEYS[2], ARGV[3], ARGV[3] + ARGV[4] - 1)
for _, id in ipairs(ids) do
  local vector = redis.call('HGET', ARGV[1] .. id, 'vector:' .. ARGV[2])
  if vector then redis.call('VADD', KEYS[1], 'FP32', vector, id, 'EF', 100) end
end
return #ids
`);

/**
 * Drops a vector set that holds more than its members: Redis evicted their list, and the rest cannot be told from ghosts.
 * It is made again by the next look-up. KEYS: the vector set, its members.
 */
export const dropSurplusScript = redisScript(`
if redis.call('VCARD', KEYS[1]) > redis.call('ZCARD', KEYS[2]) then return redis.call('DEL', KEYS[1]) end
return 0
`);

/**
 * Whether an entry is there, mending what finds it. KEYS: its hash; ARGV: id, key of members up to FP, key of the vector
 * set up to FP or '', 1 to mend (not in a Cluster: while a slot moves, the other keys may be on the other master), fps to
 * look in when it is gone. Returns 0 when it is gone.
 */
export const checkScript = redisScript(`
local id, members, vectors = ARGV[1], ARGV[2], ARGV[3]
local fp = redis.call('HGET', KEYS[1], 'fp')
if not fp then
  for at = 5, #ARGV do
    redis.call('ZREM', members .. ARGV[at], id)
    if vectors ~= '' then redis.call('VREM', vectors .. ARGV[at], id) end
  end
  return 0
end
if ARGV[4] == '1' and fp ~= '' and not redis.call('ZSCORE', members .. fp, id) then
  local time = redis.call('TIME')
  redis.call('ZADD', members .. fp, string.format('%d%06d', time[1], time[2]), id)
  if vectors ~= '' then redis.call('VADD', vectors .. fp, 'FP32', redis.call('HGET', KEYS[1], 'vector:' .. fp), id, 'EF', 100) end
end
return 1
`);
