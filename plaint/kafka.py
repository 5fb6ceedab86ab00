"""The Kafka cluster an installation uses, with the security settings of the environment."""

from pydantic_settings import BaseSettings, SettingsConfigDict

from plaint.running import Installation
from plaint.trouble import UNREACHABLE, Trouble
from shared.runtime.broker import Broker
from shared.settings import KafkaSettings


class _OperatorSettings(BaseSettings):
    """The services' own ``PLAINT_KAFKA__…`` variables, so that a setting is written once."""

    model_config = SettingsConfigDict(env_prefix="PLAINT_", env_nested_delimiter="__", frozen=True, extra="ignore")

    kafka: KafkaSettings = KafkaSettings()


def broker_of(installation: Installation) -> Broker:
    """
    Return how to reach the installation's cluster.

    Raises:
        Trouble: no address is known.
    """
    if not installation.bootstrap:
        raise Trouble("kafka.unknown", code=UNREACHABLE)
    settings = _OperatorSettings().kafka
    here = {"bootstrap_servers": installation.bootstrap, "prefix": installation.prefix}
    return settings.model_copy(update=here).broker()
