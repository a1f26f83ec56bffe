# Asks through the real Python SDKs. One JSON object a line in, one a line out.

import json
import sys

import anthropic
import openai
from langchain_openai import ChatOpenAI

SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
MODEL = "m-large"


def chat(ask):
    client = openai.OpenAI(base_url=ask["base"] + "/v1", api_key=ask["key"], max_retries=1)
    tools = {"tools": [{"type": "function", "function": {"name": "read", "parameters": SCHEMA}}]} if ask["tool"] else {}
    messages = [{"role": "user", "content": ask["question"]}]
    if not ask["stream"]:
        message = client.chat.completions.create(model=MODEL, messages=messages, **tools).choices[0].message
    else:
        with client.chat.completions.stream(model=MODEL, messages=messages, **tools) as stream:
            for _ in stream:
                if ask["leave"]:
                    return "", None
            message = stream.get_final_completion().choices[0].message
    call = message.tool_calls[0].function if message.tool_calls else None
    return message.content or "", call and (call.name, json.loads(call.arguments))


def responses(ask):
    client = openai.OpenAI(base_url=ask["base"] + "/v1", api_key=ask["key"], max_retries=1)
    tools = {"tools": [{"type": "function", "name": "read", "parameters": SCHEMA, "strict": False}]} if ask["tool"] else {}
    if not ask["stream"]:
        final = client.responses.create(model=MODEL, input=ask["question"], **tools)
    else:
        with client.responses.stream(model=MODEL, input=ask["question"], **tools) as stream:
            for _ in stream:
                if ask["leave"]:
                    return "", None
            final = stream.get_final_response()
    calls = [item for item in final.output if item.type == "function_call"]
    return final.output_text, calls[0] and (calls[0].name, json.loads(calls[0].arguments)) if calls else None


def messages(ask):
    client = anthropic.Anthropic(base_url=ask["base"], api_key=ask["key"], max_retries=1)
    tools = {"tools": [{"name": "read", "input_schema": SCHEMA}]} if ask["tool"] else {}
    body = dict(model=MODEL, max_tokens=1000, messages=[{"role": "user", "content": ask["question"]}], **tools)
    if not ask["stream"]:
        final = client.messages.create(**body)
    else:
        with client.messages.stream(**body) as stream:
            for _ in stream:
                if ask["leave"]:
                    return "", None
            final = stream.get_final_message()
    calls = [block for block in final.content if block.type == "tool_use"]
    text = "".join(block.text for block in final.content if block.type == "text")
    return text, (calls[0].name, calls[0].input) if calls else None


def langchain(ask):
    model = ChatOpenAI(base_url=ask["base"] + "/v1", api_key=ask["key"], model=MODEL, max_retries=1)
    if ask["tool"]:
        model = model.bind_tools([{"type": "function", "function": {"name": "read", "description": "", "parameters": SCHEMA}}])
    if not ask["stream"]:
        message = model.invoke(ask["question"])
    else:
        message = None
        for chunk in model.stream(ask["question"]):
            if ask["leave"]:
                return "", None
            message = chunk if message is None else message + chunk
    call = message.tool_calls[0] if message.tool_calls else None
    return message.content, call and (call["name"], call["args"])


CLIENTS = {"chat": chat, "responses": responses, "messages": messages, "langchain": langchain}

for line in sys.stdin:
    asked = json.loads(line)
    try:
        text, call = CLIENTS[asked["client"]](asked)
        said = {"text": text, "tool": call and {"name": call[0], "input": call[1]}}
    except Exception as error:
        said = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(said), flush=True)
