"""Chat: one conversation as a chat platform's export or webhook relay gives it."""

from pydantic import ConfigDict, Field

from services.intake.channels.contact import IncomingContact, Sender, Speaker, Turn, customer_words
from services.intake.channels.identity import canonical_email, canonical_phone
from services.intake.channels.language import language_of
from services.intake.channels.payload import Key, Line, Moment, Payload, Text, read_payload

_MAX_MESSAGES = 5000


class ChatCustomer(Payload):
    """Who the platform says was writing."""

    id: Key | None = None
    name: Line | None = None
    phone: Line | None = None
    email: Line | None = None


class ChatMessage(Payload):
    """One message in the conversation."""

    id: Key | None = None
    at: Moment | None = None
    speaker: Speaker = Field(alias="from")
    text: Text


class Chat(Payload):
    """A conversation, whole."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "conversation_id": "c-20261102-17",
                    "platform": "wecom",
                    "started_at": "2026-11-02T01:15:00Z",
                    "ended_at": "2026-11-02T01:21:30Z",
                    "customer": {"id": "wm-88", "name": "王小燕", "phone": "13800138000"},
                    "messages": [
                        {"at": "2026-11-02T01:15:00Z", "from": "customer", "text": "窗帘装歪了，约好的师傅一直没来"},
                        {"at": "2026-11-02T01:16:10Z", "from": "agent", "text": "非常抱歉，我帮您登记。"},
                    ],
                },
                {
                    "conversation_id": "c-20261102-18",
                    "platform": "web",
                    "started_at": "2026-11-02T09:00:00+08:00",
                    "language": "en",
                    "customer": {"email": "alex@example.com"},
                    "messages": [{"from": "customer", "text": "The lamp arrived broken and nobody answers."}],
                },
            ]
        }
    )

    conversation_id: Key
    platform: Line | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    language: Line | None = None
    customer: ChatCustomer = ChatCustomer()
    messages: tuple[ChatMessage, ...] = Field(max_length=_MAX_MESSAGES)

    def to_contact(self) -> IncomingContact:
        """Return the conversation as a contact; one in which the customer said nothing is ``missed``."""
        transcript = tuple(Turn(message.speaker, message.text, message.at) for message in self.messages)
        text = customer_words(transcript)
        return IncomingContact(
            channel="chat",
            external_id=self.conversation_id,
            kind="message" if text else "missed",
            thread_keys=(self.conversation_id,),
            sent_at=self.started_at or next((turn.at for turn in transcript if turn.at), None),
            text=text,
            transcript=transcript,
            language=language_of(self.language, text),
            sender=Sender(
                name=self.customer.name or None,
                email=canonical_email(self.customer.email),
                phone=canonical_phone(self.customer.phone),
                external_id=self.customer.id,
            ),
        )


def parse_chat(body: bytes) -> IncomingContact:
    """
    Read one conversation.

    Raises:
        Unreadable: it is no JSON or does not have the shape of ``Chat``.
    """
    return read_payload(body, Chat).to_contact()
