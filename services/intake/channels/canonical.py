"""The canonical complaint: the body of ``POST /v1/complaints``, for every front end without a parser of its own."""

from pydantic import ConfigDict, Field

from services.intake.channels.contact import Attachment, Channel, IncomingContact, Sender
from services.intake.channels.identity import canonical_email, canonical_phone
from services.intake.channels.language import language_of
from services.intake.channels.payload import Key, Line, Moment, Payload, Text, read_payload

_MAX_ATTACHMENTS = 200


class ComplaintCustomer(Payload):
    """How the person can be recognised and answered; each is optional, none at all is an anonymous complaint."""

    name: Line | None = Field(default=None, description="称呼 · how to address them")
    email: Line | None = Field(default=None, description="电子邮箱 · e-mail address")
    phone: Line | None = Field(
        default=None, description="电话；未写国家号按中国 · national numbers are read as Chinese"
    )
    id: Key | None = Field(default=None, description="前端系统里的客户编号 · the front end's id of the customer")


class ComplaintAttachment(Payload):
    """A file kept elsewhere."""

    name: Line
    content_type: Line = "application/octet-stream"
    size: int = Field(default=0, ge=0, description="字节数 · bytes")
    sha256: str = Field(default="", pattern=r"^(?:[0-9a-fA-F]{64})?$")


class ComplaintSubmission(Payload):
    """A complaint as a front end hands it in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "channel": "web",
                    "external_id": "form-2026-7781",
                    "received_at": "2026-11-02T09:15:00+08:00",
                    "language": "zh-Hans",
                    "subject": "冰箱送来门就变形",
                    "text": "10月30日送到的冰箱门关不严，约了两次上门都没人来，要求换新并赔偿误工费。",
                    "customer": {"name": "陈先生", "phone": "13800138000"},
                    "product": "BX-520 冰箱",
                    "order_reference": "SO-88123",
                    "remedy_sought": "换新",
                },
                {
                    "channel": "onsite",
                    "text": "I was promised delivery by Friday. It is Tuesday and nobody can tell me where it is.",
                    "customer": {"name": "Alex Smith", "email": "alex@example.com"},
                    "order_reference": "SO-88124",
                },
            ]
        }
    )

    channel: Channel
    external_id: Key | None = Field(
        default=None, description="来源系统的编号，用于去重 · your own id; it prevents duplicates"
    )
    received_at: Moment | None = Field(
        default=None, description="客户提出的时间 · when the customer said it (RFC 3339)"
    )
    language: Line | None = Field(default=None, description="BCP 47；缺省自动识别 · detected when missing")
    subject: Line | None = None
    text: Text = Field(min_length=1, description="客户原话 · the customer's own words")
    customer: ComplaintCustomer = ComplaintCustomer()
    product: Line | None = None
    order_reference: Line | None = None
    remedy_sought: Line | None = Field(default=None, description="客户想要什么 · what they ask for")
    attachments: tuple[ComplaintAttachment, ...] = Field(default=(), max_length=_MAX_ATTACHMENTS)

    def to_contact(self) -> IncomingContact:
        """Return the submission as a contact; ``empty`` when its text is only blanks."""
        return IncomingContact(
            channel=self.channel,
            external_id=self.external_id,
            kind="message" if self.text.strip() else "empty",
            sent_at=self.received_at,
            subject=self.subject or None,
            text=self.text,
            language=language_of(self.language, self.text),
            sender=self._sender(),
            attachments=tuple(
                Attachment(file.name, file.content_type, file.size, file.sha256.lower()) for file in self.attachments
            ),
            product=self.product or None,
            order_reference=self.order_reference or None,
            remedy_sought=self.remedy_sought or None,
        )

    def _sender(self) -> Sender:
        return Sender(
            name=self.customer.name or None,
            email=canonical_email(self.customer.email),
            phone=canonical_phone(self.customer.phone),
            external_id=self.customer.id,
        )


def parse_complaint(body: bytes) -> IncomingContact:
    """
    Read one canonical complaint.

    Raises:
        Unreadable: it is no JSON or does not have the shape of ``ComplaintSubmission``.
    """
    return read_payload(body, ComplaintSubmission).to_contact()
