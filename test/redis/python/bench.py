"""Times full look-ups of LangChain's RedisSemanticCache or RedisVL's SemanticCache with replayed vectors.

python bench.py community|redisvl URL NAME, then on its standard input a list of {"prompt", "vector"} in one line, and
another line when it may begin; prints {"ready": true}, then {"ms": [...], "hits": n}.
"""

import json
import sys
import time
import warnings

import numpy as np

warnings.filterwarnings("ignore")
which, url, name = sys.argv[1:]
queries = json.loads(sys.stdin.readline())
vectors = {q["prompt"]: np.array(q["vector"], dtype=np.float32) for q in queries}

if which == "community":
    from langchain_community.cache import RedisSemanticCache
    from langchain_core.embeddings import Embeddings

    class Replay(Embeddings):
        def embed_query(self, text):
            return vectors[text].tolist() if text in vectors else [0.0] * 383 + [1.0]

        def embed_documents(self, texts):
            return [self.embed_query(text) for text in texts]

    cache = RedisSemanticCache(redis_url=url, embedding=Replay(), score_threshold=0.2)

    def lookup(prompt):
        return cache.lookup(prompt, name) is not None

else:
    from redisvl.extensions.cache.llm import SemanticCache
    from redisvl.utils.vectorize import CustomVectorizer

    vectorizer = CustomVectorizer(embed=lambda text, **_: [0.0] * 383 + [1.0])
    cache = SemanticCache(name=name, redis_url=url, vectorizer=vectorizer, distance_threshold=0.2)

    def lookup(prompt):
        return bool(cache.check(vector=vectors[prompt].tolist()))


for query in queries[:10]:
    lookup(query["prompt"])
print(json.dumps({"ready": True}), flush=True)
sys.stdin.readline()
times, hits = [], 0
for query in queries:
    begun = time.perf_counter()
    hits += lookup(query["prompt"])
    times.append((time.perf_counter() - begun) * 1000)
print(json.dumps({"ms": times, "hits": hits}), flush=True)
