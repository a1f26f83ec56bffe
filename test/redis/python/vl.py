"""RedisVL's SemanticCache and langchain-redis' RedisSemanticCache, unmodified: one JSON object a line, as community.py."""

import json
import sys

from embedding import MiniLm
from langchain_core.embeddings import Embeddings
from langchain_core.outputs import Generation
from langchain_redis import RedisSemanticCache
from redisvl.extensions.cache.llm import SemanticCache
from redisvl.utils.vectorize import CustomVectorizer

model = MiniLm()


class Embedding(Embeddings):
    def embed_query(self, text):
        return [float(x) for x in model(text)]

    def embed_documents(self, texts):
        return [self.embed_query(text) for text in texts]


vectorizer = CustomVectorizer(
    embed=lambda text, **_: [float(x) for x in model(text)],
    embed_many=lambda texts, **_: [[float(x) for x in model(text)] for text in texts],
)


def redisvl(url, name, **options):
    return SemanticCache(name=name, redis_url=url, vectorizer=vectorizer, **options)


def store(url, name, prompt, response, metadata=None, ttl=None):
    return redisvl(url, name).store(prompt, response, metadata=metadata, ttl=ttl)


def check(url, name, prompt, threshold=0.1):
    found = redisvl(url, name, distance_threshold=threshold).check(prompt)
    return [{"prompt": one["prompt"], "response": one["response"], "distance": one["vector_distance"]} for one in found]


def lc_update(url, name, prompt, llm_string, texts):
    cache = RedisSemanticCache(embeddings=Embedding(), redis_url=url, name=name)
    cache.update(prompt, llm_string, [Generation(text=text) for text in texts])


def lc_lookup(url, name, prompt, llm_string):
    found = RedisSemanticCache(embeddings=Embedding(), redis_url=url, name=name).lookup(prompt, llm_string)
    return None if found is None else [g.text for g in found]


verbs = {f.__name__: f for f in (store, check, lc_update, lc_lookup)}
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    message = json.loads(line)
    try:
        answer = {"result": verbs[message["verb"]](**message["arguments"])}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
