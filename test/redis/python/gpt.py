"""Fills a SQLite file as GPTCache does, by GPTCache's own storage: python gpt.py FILE < JSON list of {prompt, answers, vector}."""

import json
import sys

import numpy as np
from gptcache.manager.scalar_data.base import Answer, CacheData, DataType, Question
from gptcache.manager.scalar_data.sql_storage import SQLStorage

storage = SQLStorage(db_type="sqlite", url="sqlite:///" + sys.argv[1])
storage.create()
storage.batch_insert(
    [
        CacheData(
            question=Question(one["prompt"]),
            answers=[Answer(answer, DataType.STR) for answer in one["answers"]],
            embedding_data=np.array(one["vector"], dtype=np.float32),
        )
        for one in json.load(sys.stdin)
    ]
)
storage.close()
