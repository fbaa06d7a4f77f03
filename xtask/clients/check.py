"""Runs the official OpenAI and Anthropic client libraries against a running demo.

Usage: check.py DETAILS.json, the file that `bursar demo --details-file` writes.
"""

import json
import sys
import urllib.request

import anthropic
import openai

DETAILS = json.load(open(sys.argv[1], encoding="utf-8"))
GATEWAY = DETAILS["address"] + "/api/v2/ai-gateway"
OWNER, MEMBER = DETAILS["owner_token"], DETAILS["member_token"]
OPENAI_MODEL, ANTHROPIC_MODEL = DETAILS["openai_model"], DETAILS["anthropic_model"]
MESSAGES = [{"role": "user", "content": "Say something short."}]


def openai_client(token, provider="openai"):
    return openai.OpenAI(base_url=f"{GATEWAY}/{provider}/v1", api_key=token, max_retries=3)


def anthropic_client(token, provider="anthropic"):
    return anthropic.Anthropic(base_url=f"{GATEWAY}/{provider}", api_key=token, max_retries=3)


def attempts():
    """How many requests have reached the gateway's routes, from the server's metrics."""
    with urllib.request.urlopen(DETAILS["address"] + "/metrics") as answer:
        lines = answer.read().decode().splitlines()
    counters = [line for line in lines if line.startswith("bursar_http_requests_total{")]
    return sum(float(line.rsplit(" ", 1)[1]) for line in counters if "/ai-gateway/" in line)


def refused(kind, call):
    """The error of that kind which the call must end with, after exactly one attempt."""
    before = attempts()
    try:
        call()
    except kind as error:
        made = attempts() - before
        assert made == 1, f"{made} attempts"
        return error
    raise AssertionError(f"no {kind.__name__}")


def openai_plain():
    answer = openai_client(OWNER).chat.completions.create(
        model=OPENAI_MODEL, messages=MESSAGES, max_completion_tokens=20
    )
    assert answer.choices[0].message.content, answer
    assert answer.usage.completion_tokens > 0, answer


def openai_streamed():
    chunks = list(
        openai_client(OWNER).chat.completions.create(
            model=OPENAI_MODEL, messages=MESSAGES, stream=True
        )
    )
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text, chunks
    assert all(c.usage is None and c.choices for c in chunks), "a usage chunk that nobody asked for"
    assert any(c.choices[0].finish_reason for c in chunks), chunks


def openai_streamed_with_usage():
    chunks = list(
        openai_client(OWNER).chat.completions.create(
            model=OPENAI_MODEL,
            messages=MESSAGES,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert chunks[-1].usage.total_tokens > 0 and not chunks[-1].choices, chunks[-1]


def responses_plain():
    answer = openai_client(OWNER).responses.create(
        model=OPENAI_MODEL, input="Say something short.", max_output_tokens=20
    )
    assert answer.output_text and answer.status in ("completed", "incomplete"), answer
    assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0, answer


def responses_streamed():
    with openai_client(OWNER).responses.stream(
        model=OPENAI_MODEL, input="Say something short."
    ) as stream:
        kinds = [event.type for event in stream]
        answer = stream.get_final_response()
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed", kinds
    assert "response.output_text.delta" in kinds, kinds
    assert answer.output_text and answer.usage.total_tokens > 0, answer


def responses_continued():
    client = openai_client(OWNER)
    first = client.responses.create(
        model=OPENAI_MODEL, input="Say something short.", max_output_tokens=20
    )
    again = {"role": "user", "content": "Shorter."}
    # By its id, and with all that it said sent back as it came.
    for more in (
        {"previous_response_id": first.id, "input": [again]},
        {"input": [*first.output, again]},
    ):
        answer = client.responses.create(model=OPENAI_MODEL, max_output_tokens=20, **more)
        assert answer.output_text, answer

    def unknown():
        client.responses.create(
            model=OPENAI_MODEL, input="Hi", previous_response_id="resp_of_nobody"
        )

    error = refused(openai.BadRequestError, unknown)
    assert error.code == "previous_response_not_found", error.body
    assert error.param == "previous_response_id", error.body


def responses_refused():
    def call():
        openai_client(MEMBER).responses.create(model=OPENAI_MODEL, input="Say something short.")

    error = refused(openai.PermissionDeniedError, call)
    assert error.code == "insufficient_quota" and "resets" in error.message, error.body

    def background():
        openai_client(OWNER).responses.create(model=OPENAI_MODEL, input="Hi", background=True)

    error = refused(openai.BadRequestError, background)
    assert "cannot be metered" in error.message, error.message


def openai_models():
    assert OPENAI_MODEL in [model.id for model in openai_client(MEMBER).models.list()]


def openai_refused():
    def call():
        openai_client(MEMBER).chat.completions.create(model=OPENAI_MODEL, messages=MESSAGES)

    error = refused(openai.PermissionDeniedError, call)
    assert error.code == "insufficient_quota" and error.type == "insufficient_quota", error.body
    assert "resets" in error.message, error.message


def openai_errors():
    def call(token=OWNER, provider="openai", **changes):
        arguments = {"model": OPENAI_MODEL, "messages": MESSAGES} | changes
        return lambda: openai_client(token, provider).chat.completions.create(**arguments)

    refused(openai.AuthenticationError, call(token="0123456789-0123456789012345678901"))
    refused(openai.NotFoundError, call(provider="nowhere"))
    refused(openai.BadRequestError, call(n=0))


def anthropic_plain():
    answer = anthropic_client(OWNER).messages.create(
        model=ANTHROPIC_MODEL, messages=MESSAGES, max_tokens=20
    )
    assert answer.content[0].text and answer.usage.output_tokens > 0, answer


def anthropic_streamed():
    with anthropic_client(OWNER).messages.stream(
        model=ANTHROPIC_MODEL, messages=MESSAGES, max_tokens=20
    ) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert text and message.stop_reason and message.usage.output_tokens > 0, message


def anthropic_counts_and_lists():
    client = anthropic_client(MEMBER)
    counted = client.messages.count_tokens(model=ANTHROPIC_MODEL, messages=MESSAGES)
    assert counted.input_tokens > 0, counted
    assert ANTHROPIC_MODEL in [model.id for model in client.models.list()]


def anthropic_refused():
    def call():
        anthropic_client(MEMBER).messages.create(
            model=ANTHROPIC_MODEL, messages=MESSAGES, max_tokens=20
        )

    error = refused(anthropic.PermissionDeniedError, call)
    assert error.body["error"]["type"] == "permission_error", error.body
    assert "resets" in error.body["error"]["message"], error.body


def anthropic_errors():
    def call(token=OWNER, provider="anthropic", **changes):
        arguments = {"model": ANTHROPIC_MODEL, "messages": MESSAGES, "max_tokens": 20} | changes
        return lambda: anthropic_client(token, provider).messages.create(**arguments)

    refused(anthropic.AuthenticationError, call(token="0123456789-0123456789012345678901"))
    refused(anthropic.NotFoundError, call(provider="nowhere"))
    refused(anthropic.BadRequestError, call(max_tokens=-1))


CHECKS = [
    openai_plain,
    openai_streamed,
    openai_streamed_with_usage,
    responses_plain,
    responses_streamed,
    responses_continued,
    responses_refused,
    openai_models,
    openai_refused,
    openai_errors,
    anthropic_plain,
    anthropic_streamed,
    anthropic_counts_and_lists,
    anthropic_refused,
    anthropic_errors,
]

for check in CHECKS:
    check()
    print(f"ok  {check.__name__}", flush=True)
