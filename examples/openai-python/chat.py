"""A streamed chat over a paid API: the pass is the API key, the rest is the SDK's own."""

import sys

from openai import APIStatusError, OpenAI

client = OpenAI()  # OPENAI_BASE_URL and OPENAI_API_KEY
model = sys.argv[1] if len(sys.argv) > 1 else "toy"

try:
    stream = client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": "What is a millisatoshi?"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    for chunk in stream:
        if chunk.choices:
            print(chunk.choices[0].delta.content or "", end="", flush=True)
        if chunk.usage:
            print(f"\n{chunk.usage.prompt_tokens} in, {chunk.usage.completion_tokens} out")
except APIStatusError as error:
    if error.status_code != 402:
        raise
    # A URL to pay at, for a person; `l402` beside it has invoice and macaroon for a program.
    sys.exit(error.body["message"])
