"""The demo's thirty contacts, posted in order as a front end would, to the real application on a real database."""

import asyncio
import json
import re
from email import message_from_bytes
from email.header import decode_header

import httpx
import pytest

from plaint.demo.story import load_story
from services.intake.app import MIGRATIONS, app_of, engine_of
from services.intake.settings import IntakeSettings
from services.intake.storage import metadata
from shared.api.keys import issue_key
from shared.contracts.erasure import _text_fields
from shared.contracts.registry import EVENTS
from shared.privacy import mask
from shared.runtime.migrate import migrate

STORY = load_story()
CODECS = {"gb2312": "gb18030"}


def header(raw: bytes, name: str) -> str:
    pieces = decode_header(message_from_bytes(raw)[name] or "")
    return "".join(
        piece if isinstance(piece, str) else piece.decode(CODECS.get(charset or "", charset or "us-ascii"))
        for piece, charset in pieces
    )


def canaries(scene) -> set[str]:
    """The name, phone and address that a front end says the contact is from."""
    if scene.channel == "email":
        name, _, address = header(scene.body(), "From").rpartition(" <")
        return {name.strip('"'), address.strip("<>")} - {""}
    told = json.loads(scene.body())
    phones = {told.get("from")} if scene.channel == "phone" else {told["customer"].get("phone")}
    found = {told.get("customer", {}).get("name"), told.get("customer", {}).get("email"), *phones}
    return {value for value in found if value}


def texts_of(event_type: str, value: object, *, inside: bool = False) -> list[str]:
    names = _text_fields(EVENTS[event_type])
    if isinstance(value, dict):
        return [t for key, item in value.items() for t in texts_of(event_type, item, inside=inside or key in names)]
    if isinstance(value, list):
        return [text for item in value for text in texts_of(event_type, item, inside=inside)]
    return [value] if inside and isinstance(value, str) else []


@pytest.fixture(scope="module")
def played(module_database_url, tmp_path_factory):
    key, records = issue_key("front-end", ["intake:write"])
    keys_file = tmp_path_factory.mktemp("keys") / "keys.json"
    keys_file.write_text(json.dumps({name: record.model_dump(mode="json") for name, record in records.items()}))
    return asyncio.run(play(IntakeSettings(database_url=module_database_url, keys_file=keys_file), key))


async def play(settings: IntakeSettings, key: str):
    engine = engine_of(settings)
    await migrate(engine.database, MIGRATIONS, metadata)
    door = asyncio.create_task(engine.door.run())
    transport = httpx.ASGITransport(app_of(engine, settings))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://intake", headers={"Authorization": f"Bearer {key}"}
    ) as client:
        answers = [
            await client.post(
                f"/v1/channels/{scene.channel}", content=scene.body(), headers={"Content-Type": scene.content_type}
            )
            for scene in STORY
        ]
    async with engine.database.connection() as connection:
        history = await connection.fetch("select type, body from history order by id")
        raws = [row["content"] for row in await connection.fetch("select content from raws order by received_at")]
    door.cancel()
    await engine.database.close()
    return answers, [(row["type"], json.loads(row["body"])) for row in history], raws


@pytest.mark.parametrize("place", range(len(STORY)), ids=[scene.file for scene in STORY])
def test_every_scene_is_taken_for_what_the_story_says(played, place):
    answer = played[0][place]

    assert answer.status_code == 202, answer.text
    assert answer.json()["outcome"] == STORY[place].outcome
    assert answer.json()["reason_text"].keys() == {"zh", "en"}


def test_the_reply_and_the_retold_story_find_their_complaints(played):
    by_file = {scene.file[:2]: answer.json() for scene, answer in zip(STORY, played[0], strict=True)}

    assert by_file["06"]["complaint_id"] == by_file["04"]["complaint_id"]
    linked = [data for kind, data in played[1] if kind == "intake.complaint.linked.v1"]
    assert [(data["complaint_id"], data["primary_id"]) for data in linked] == [
        (by_file["11"]["complaint_id"], by_file["09"]["complaint_id"])
    ]
    assert by_file["11"]["customer_id"] == by_file["09"]["customer_id"]


def test_every_scene_is_said_once_and_kept_as_it_came(played):
    _, history, raws = played
    kinds = [kind.removeprefix("intake.").removesuffix(".v1") for kind, _ in history]

    assert kinds.count("complaint.received") == sum(scene.outcome in {"opened", "linked"} for scene in STORY)
    assert kinds.count("message.received") == sum(scene.outcome == "appended" for scene in STORY)
    assert kinds.count("contact.recorded") == sum(scene.outcome in {"recorded", "ignored"} for scene in STORY)
    assert raws == [scene.body() for scene in STORY]


@pytest.mark.parametrize("scene", STORY, ids=lambda scene: scene.file)
def test_nobody_can_be_recognised_in_what_is_said(played, scene):
    said = json.dumps(played[1], ensure_ascii=False)
    digits = re.sub(r"[\s-]", "", said)

    for canary in canaries(scene):
        assert canary not in said
        assert canary.removeprefix("+86").removeprefix("+") not in digits


def test_all_texts_that_are_said_are_masked(played):
    texts = [text for kind, data in played[1] for text in texts_of(kind, data)]

    assert len(texts) > len(STORY)
    # What is masked stays the same when it is masked again; only whoever typed the brackets would differ.
    again = [mask(re.sub("⟦[^⟧]*⟧", "〇", text)).text for text in texts]
    assert again == [re.sub("⟦[^⟧]*⟧", "〇", text) for text in texts]
    assert any("⟦phone:1⟧" in text for text in texts)
    assert any("⟦name:1⟧" in text for text in texts)
