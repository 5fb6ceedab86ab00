"""The AsyncAPI 3.1.0 document: every topic and message, for generators, catalogues and viewers."""

from datetime import timedelta
from itertools import chain
from typing import Final

from pydantic.json_schema import models_json_schema

from shared.contracts.documents import Json, Meanings, PlainSchema, samples_of
from shared.contracts.registry import (
    DEAD_PARTITIONS,
    EVENTS,
    OWNERS,
    PARTITIONS,
    RETENTION_DAYS,
    dead_topic_of,
    owner_of,
    topic_of,
)

_BINDING: Final = {"bindingVersion": "0.5.0"}
_UUID: Final = {"type": "string", "format": "uuid"}
_TRAIT: Final = {"$ref": "#/components/messageTraits/cloudevent"}
_RETENTION_MS: Final = timedelta(days=RETENTION_DAYS) // timedelta(milliseconds=1)
_ABOUT: Final = """\
Complaint handling as a stream of facts. Every record is a CloudEvent 1.0 in Kafka's binary mode: the envelope in
headers, plain JSON as the value. Ignore unknown fields, values and types; drop what `ce_sequence` shows as known.
An installation may put a prefix before every topic.

投诉处理的事实流。每条记录都是 Kafka 二进制模式的 CloudEvents 1.0：信封在消息头里，值是普通 JSON。请忽略不认识的
字段、取值和类型，并按 `ce_sequence` 丢弃重复。一套部署可以给所有主题加上前缀。
"""
HEADERS: Final[dict[str, Json]] = {
    "content-type": {"type": "string", "const": "application/json"},
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": {**_UUID, "description": "The event's id (UUIDv7), the same in every copy · 事件编号，重复投递时不变"},
    "ce_type": {"type": "string", "description": "What happened · 事件类型"},
    "ce_source": {"type": "string", "enum": list(OWNERS), "description": "The service that says it · 由哪个服务发出"},
    "ce_subject": {**_UUID, "description": "The stream: the complaint, or the contact · 所属的流：投诉或联系"},
    "ce_time": {"type": "string", "format": "date-time", "description": "When it happened · 发生时间"},
    "ce_sequence": {
        "type": "string",
        "pattern": "^[1-9][0-9]*$",
        "description": "1, 2, 3 … of this source about this subject, without gaps · 同一来源对同一对象的连续序号",
    },
    "ce_correlationid": {**_UUID, "description": "The first event or command of the chain · 整条因果链的起点"},
    "ce_causationid": {**_UUID, "description": "The event or command that led to this one · 直接起因"},
    "traceparent": {"type": "string", "description": "W3C Trace Context · W3C 链路追踪上下文"},
}
OPTIONAL_HEADERS: Final = frozenset({"ce_causationid", "traceparent"})


def asyncapi_document() -> Json:
    """Describe every topic, who writes it and what it carries."""
    return {
        "asyncapi": "3.1.0",
        "id": "urn:plaint:events",
        "info": {
            "title": "plaint events · 投诉事件",
            "version": "1.0.0",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"local": _local_server()},
        "channels": dict(chain.from_iterable(_channels_of(owner).items() for owner in OWNERS)),
        "operations": dict(chain.from_iterable(_operations_of(owner).items() for owner in OWNERS)),
        "components": {
            "messages": _messages() | {"unreadable": _unreadable()},
            "messageTraits": {"cloudevent": _cloudevent()},
            "schemas": _schemas(),
        },
    }


def _local_server() -> Json:
    return {
        "host": "127.0.0.1:9092",
        "protocol": "kafka",
        "description": "The broker of an installation on your own machine · 本机部署的消息服务器",
    }


def _channels_of(owner: str) -> dict[str, Json]:
    said = [event_type for event_type in EVENTS if owner_of(event_type) == owner]
    return {
        owner: {
            **_topic(topic_of(owner), PARTITIONS),
            "summary": f"Everything that {owner} says · {owner} 说的一切",
            "messages": {event_type: {"$ref": f"#/components/messages/{event_type}"} for event_type in said},
        },
        f"{owner}.dead": {
            **_topic(dead_topic_of(owner), DEAD_PARTITIONS),
            "summary": f"Records that {owner} could not read · {owner} 读不懂的记录",
            "messages": {"unreadable": {"$ref": "#/components/messages/unreadable"}},
        },
    }


def _topic(address: str, partitions: int) -> Json:
    configuration = {"cleanup.policy": ["delete"], "retention.ms": _RETENTION_MS}
    kafka = {"topic": address, "partitions": partitions, "topicConfiguration": configuration, **_BINDING}
    return {"address": address, "bindings": {"kafka": kafka}}


def _operations_of(owner: str) -> dict[str, Json]:
    group = {"groupId": {"type": "string", "description": "Your own, one per subscribing system · 每个订阅系统一个"}}
    return {
        f"{owner}.subscribe": {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{owner}"},
            "summary": f"Read what {owner} says · 订阅 {owner} 的事件",
            "bindings": {"kafka": group | _BINDING},
        },
        f"{owner}.announce": {
            "action": "send",
            "channel": {"$ref": f"#/channels/{owner}"},
            "summary": f"Only {owner} writes here · 只有 {owner} 写入",
        },
        f"{owner}.set_aside": {
            "action": "send",
            "channel": {"$ref": f"#/channels/{owner}.dead"},
            "summary": f"{owner} sets an unreadable record aside · {owner} 搁置读不懂的记录",
        },
    }


def _messages() -> dict[str, Json]:
    meanings = Meanings()
    return {event_type: _message(event_type, meanings) for event_type in EVENTS}


def _message(event_type: str, meanings: Meanings) -> Json:
    meaning = meanings.of_type(event_type)
    model = EVENTS[event_type].__name__
    return {
        "name": event_type,
        "title": model,
        "summary": meaning.en.partition("\n\n")[0],
        "description": "\n\n".join((meaning.en, meaning.zh, f"{meaning.when_en} · {meaning.when_zh}")),
        "tags": [{"name": owner_of(event_type)}],
        "traits": [_TRAIT],
        "payload": {"$ref": f"#/components/schemas/{model}"},
        "examples": [{"name": language, "payload": sample} for language, sample in samples_of(event_type).items()],
    }


def _cloudevent() -> Json:
    key = {**_UUID, "description": "The same as ce_subject · 与 ce_subject 相同"}
    return {
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "properties": HEADERS,
            "required": [name for name in HEADERS if name not in OPTIONAL_HEADERS],
        },
        "correlationId": {"location": "$message.header#/ce_correlationid"},
        "bindings": {"kafka": {"key": key, **_BINDING}},
    }


def _unreadable() -> Json:
    place = "topic/partition/offset of the record · 该记录的主题/分区/位移"
    reason = "Kind of error that reading it raised · 读取时出错的种类"
    found = {
        "dead_from": {"type": "string", "description": place},
        "dead_reason": {"type": "string", "description": reason},
    }
    return {
        "name": "unreadable",
        "title": "Unreadable record",
        "summary": "A record that could not be read, with the headers it had · 无法读懂的记录，连同它原有的消息头",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "properties": found, "required": list(found)},
        "payload": {"description": "The value as it was found · 原样保留的值"},
        "bindings": {"kafka": {"key": {"type": "string", "description": place}, **_BINDING}},
    }


def _schemas() -> dict[str, Json]:
    _, schemas = models_json_schema(
        [(event, "validation") for event in EVENTS.values()],
        ref_template="#/components/schemas/{model}",
        schema_generator=PlainSchema,
    )
    definitions: dict[str, Json] = schemas["$defs"]
    return definitions
