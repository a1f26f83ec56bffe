"""langchain-community's RedisSemanticCache, unmodified, as a process that tests talk to: one JSON object a line."""

import json
import sys
import threading

from embedding import MiniLm
from langchain_community.cache import RedisSemanticCache
from langchain_core.embeddings import Embeddings
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.outputs import Generation

model = MiniLm()


class Embedding(Embeddings):
    def embed_query(self, text):
        return [float(x) for x in model(text)]

    def embed_documents(self, texts):
        return [self.embed_query(text) for text in texts]


caches = {}


def cache(url, threshold=0.2):
    key = (url, threshold)
    if key not in caches:
        caches[key] = RedisSemanticCache(redis_url=url, embedding=Embedding(), score_threshold=threshold)
    return caches[key]


def shown(generations):
    if generations is None:
        return None
    return [
        {"kind": type(g).__name__, "text": g.text, "content": getattr(getattr(g, "message", None), "content", None)}
        if not isinstance(g, dict)
        else {"kind": "dict", "text": g["text"], "content": None}
        for g in generations
    ]


def update(url, prompt, llm_string, texts):
    cache(url).update(prompt, llm_string, [Generation(text=text) for text in texts])


def lookup(url, prompt, llm_string, threshold=0.2):
    return shown(cache(url, threshold).lookup(prompt, llm_string))


def distance(url, prompt, llm_string):
    store = cache(url)._get_llm_cache(llm_string)
    found = store.similarity_search_with_score(query=prompt, k=1)
    return found[0][1] if found else None


def clear(url, llm_string):
    cache(url).clear(llm_string=llm_string)


def chat(url, prompt, answer):
    """A chat model with the cache, as LangChain runs it; says with which prompt and llm_string the cache was asked."""
    asked = []
    inner = cache(url)

    class Listening(RedisSemanticCache):
        def __init__(self):
            pass

        def lookup(self, prompt, llm_string):
            asked.append([prompt, llm_string])
            return inner.lookup(prompt, llm_string)

        def update(self, prompt, llm_string, return_val):
            inner.update(prompt, llm_string, return_val)

    reply = FakeListChatModel(responses=[answer], cache=Listening()).invoke(prompt)
    return {"content": reply.content, "prompt": asked[0][0], "llm_string": asked[0][1]}


def race(url, llm_string, threads):
    errors = []

    def store(i):
        try:
            RedisSemanticCache(redis_url=url, embedding=Embedding()).update(f"prompt {i}", llm_string, [Generation(text="a")])
        except Exception as error:
            errors.append(str(error))

    running = [threading.Thread(target=store, args=(i,)) for i in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return errors


def embed(text):
    return [float(x) for x in model(text)]


verbs = {f.__name__: f for f in (update, lookup, distance, clear, chat, race, embed)}
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    message = json.loads(line)
    try:
        answer = {"result": verbs[message["verb"]](**message["arguments"])}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
