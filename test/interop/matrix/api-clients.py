"""api-clients.py CLIENT BASE_URL MODEL: one client for Python, as its users call it.

It reads one question a line, {key, prompt, tool}, and prints one answer a line, {ok, text, error}.
The answer is streamed, unless the model may call a tool. BASE_URL ends in /v1.
"""

import json
import os
import sys
import tempfile

client, base, model = sys.argv[1:4]
root = base.removesuffix("/v1")

NAME = "look_up"
ABOUT = "Looks something up."
PARAMETERS = {"type": "object", "properties": {"what": {"type": "string"}}, "required": ["what"]}
FUNCTION = {"type": "function", "function": {"name": NAME, "description": ABOUT, "parameters": PARAMETERS}}


def look_up(what: str) -> str:
    """Looks something up."""
    return f"{what}-{'21' * 3}"


def user(content):
    return {"role": "user", "content": content}


def chat(create, prompt, tool, say):
    """A chat with whatever has the create() of OpenAI's SDK."""
    messages = [user(prompt)]
    if not tool:
        for chunk in create(messages=messages, stream=True, stream_options={"include_usage": True}):
            if chunk.choices:
                say(chunk.choices[0].delta.content)
        return
    while True:
        message = create(messages=messages, tools=[FUNCTION]).choices[0].message
        if not message.tool_calls:
            return say(message.content)
        messages.append(message)
        for call in message.tool_calls:
            result = look_up(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


def openai_python(key):
    from openai import OpenAI

    completions = OpenAI(base_url=base, api_key=key).chat.completions
    return lambda **asked: chat(lambda **more: completions.create(model=model, **more), **asked)


def openai_python_responses(key):
    from openai import OpenAI

    responses = OpenAI(base_url=base, api_key=key).responses

    def ask(prompt, tool, say):
        if not tool:
            with responses.stream(model=model, input=prompt, store=False) as events:
                for event in events:
                    if event.type == "response.output_text.delta":
                        say(event.delta)
                    # The SDK hands over a failed response as any other.
                    if event.type == "response.failed":
                        raise RuntimeError(event.response.error.message)
            return
        shape = {"type": "function", "name": NAME, "description": ABOUT, "parameters": PARAMETERS, "strict": False}
        items = [user(prompt)]
        while True:
            answer = responses.create(model=model, input=items, tools=[shape], store=False)
            calls = [item for item in answer.output if item.type == "function_call"]
            if not calls:
                return say(answer.output_text)
            items += answer.output
            for call in calls:
                result = look_up(**json.loads(call.arguments))
                items.append({"type": "function_call_output", "call_id": call.call_id, "output": result})

    return ask


def anthropic_python(key):
    from anthropic import Anthropic

    api = Anthropic(base_url=root, api_key=key).messages

    def ask(prompt, tool, say):
        asked = {"model": model, "max_tokens": 4000}
        messages = [user(prompt)]
        if not tool:
            with api.stream(**asked, messages=messages) as events:
                for piece in events.text_stream:
                    say(piece)
            return
        tools = [{"name": NAME, "description": ABOUT, "input_schema": PARAMETERS}]
        while True:
            content = api.create(**asked, messages=messages, tools=tools).content
            calls = [part for part in content if part.type == "tool_use"]
            if not calls:
                return say("".join(part.text for part in content))
            results = [{"type": "tool_result", "tool_use_id": call.id, "content": look_up(**call.input)} for call in calls]
            messages += [{"role": "assistant", "content": content}, user(results)]

    return ask


def langchain_python(key):
    from langchain_core.messages import HumanMessage, ToolMessage
    from langchain_openai import ChatOpenAI

    model_of = ChatOpenAI(model=model, api_key=key, base_url=base, stream_usage=True)

    def ask(prompt, tool, say):
        if not tool:
            for chunk in model_of.stream(prompt):
                say(chunk.content)
            return
        bound = model_of.bind_tools([FUNCTION])
        messages = [HumanMessage(prompt)]
        while True:
            answer = bound.invoke(messages)
            if not answer.tool_calls:
                return say(answer.content)
            messages.append(answer)
            messages += [ToolMessage(look_up(**call["args"]), tool_call_id=call["id"]) for call in answer.tool_calls]

    return ask


def litellm_python(key):
    import litellm

    litellm.suppress_debug_info = True

    def create(**more):
        return litellm.completion(model=f"openai/{model}", api_base=base, api_key=key, **more)

    return lambda **asked: chat(create, **asked)


def llm_python(key):
    folder = tempfile.mkdtemp(dir=os.environ["HOME"])
    os.environ["LLM_USER_PATH"] = folder
    settings = {"model_id": "gate", "model_name": model, "api_base": base, "api_key_name": "gate", "supports_tools": True}
    with open(f"{folder}/extra-openai-models.yaml", "w") as file:
        json.dump([settings], file)
    import llm

    def ask(prompt, tool, say):
        if tool:
            return say(llm.get_model("gate").chain(prompt, key=key, tools=[look_up], stream=False).text())
        for piece in llm.get_model("gate").prompt(prompt, key=key):
            say(piece)

    return ask


CLIENTS = {
    "openai-python": openai_python,
    "openai-python-responses": openai_python_responses,
    "anthropic-python": anthropic_python,
    "langchain-python": langchain_python,
    "litellm": litellm_python,
    "llm": llm_python,
}

opened = {}
for line in sys.stdin:
    question = json.loads(line)
    key = question.pop("key")
    text = ""

    def say(piece):
        global text
        text += piece or ""

    error = None
    try:
        if key not in opened:
            opened[key] = CLIENTS[client](key)
        opened[key](**question, say=say)
    except Exception as thrown:
        error = f"{type(thrown).__name__}: {thrown}"
    print(json.dumps({"ok": error is None, "text": text, "error": error}), flush=True)
