"""The settings that every service has; each service adds its own. Read once, in ``__main__``, and handed down."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.runtime.broker import Broker
from shared.runtime.clock import Clock


class KafkaSettings(BaseModel):
    """How to reach Kafka."""

    model_config = ConfigDict(frozen=True)

    bootstrap_servers: str = "127.0.0.1:9092"
    prefix: str = Field(default="", description="Stands before every topic and group; keeps installations apart")
    replication: int = Field(default=1, ge=1, description="Copies of each topic that the services create")
    fetch_wait_ms: int = Field(
        default=500,
        ge=1,
        description="How long the broker may hold an empty fetch; a new record ends it at once. Tansu answers an empty"
        " fetch after half of it whatever comes, so there 25 is right",
    )
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None

    def broker(self) -> Broker:
        """The cluster as the runtime uses it."""
        options: dict[str, Any] = {"security_protocol": self.security_protocol}
        if self.sasl_mechanism is not None:
            password = self.sasl_password.get_secret_value() if self.sasl_password else None
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": password,
            }
        return Broker(self.bootstrap_servers, self.prefix, self.replication, self.fetch_wait_ms, options)


class ClockSettings(BaseModel):
    """The three numbers that all processes of a demo share; see ``shared.runtime.clock``."""

    model_config = ConfigDict(frozen=True)

    origin: AwareDatetime | None = None
    anchor: AwareDatetime | None = None
    speed: float = Field(default=1.0, gt=0)

    @property
    def ordinary(self) -> bool:
        """Whether this is simply the real time."""
        return self.origin is None and self.anchor is None and self.speed == 1.0

    def clock(self) -> Clock:
        """The clock."""
        if self.origin is not None and self.anchor is None:
            return Clock(self.origin, datetime.now(UTC), self.speed)
        return Clock(self.origin, self.anchor, self.speed)


class ServiceSettings(BaseSettings):
    """Settings common to the four services, from ``PLAINT_…`` variables (``__`` between levels)."""

    model_config = SettingsConfigDict(
        env_prefix="PLAINT_",
        env_nested_delimiter="__",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,  # what cannot be read may be a password
    )

    database_url: SecretStr = Field(description="postgresql://role:password@host:port/database, this service's own")
    pool_size: int = Field(default=6, ge=2)
    kafka: KafkaSettings = KafkaSettings()
    host: str = Field(default="127.0.0.1", description="Where HTTP listens; only this machine unless told otherwise")
    port: int = 8000
    keys_file: Path | None = Field(default=None, description="API keys, hashed; without it every request is refused")
    body_limit_bytes: int = 26_214_400
    log_level: str = "INFO"
    demo: bool = Field(default=False, description="Allows what only a demo may do: another clock than the real one")
    clock: ClockSettings = ClockSettings()

    @model_validator(mode="after")
    def _only_a_demo_changes_the_clock(self) -> Self:
        if not self.demo and not self.clock.ordinary:
            raise ValueError("PLAINT_CLOCK__… is for demos: set PLAINT_DEMO=true, or leave the clock alone")
        return self
