"""
Where OpenAI's protocol is spoken: OpenAI itself, Azure, or any other server, told apart by the address.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from pytest_codeact.providers._exchange import split_url

if TYPE_CHECKING:
    from collections.abc import Mapping

OPENAI: Final = "https://api.openai.com/v1"

AZURE_API_VERSION: Final = "2024-10-21"
"""The version of Azure's API where neither the address nor OPENAI_API_VERSION says one: the last that is stable."""

_AZURE_HOSTS: Final = (
    ".openai.azure.com",
    ".openai.azure.us",
    ".cognitiveservices.azure.com",
    ".services.ai.azure.com",
)
_DEPLOYMENTS: Final = "/openai/deployments/"
_ENDPOINT: Final = "/chat/completions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """
    A server that speaks OpenAI's protocol.

    Attributes:
        kind: "openai"; "azure", whose URLs name a deployment and a version of the API; or "other": all that is
            compatible, Azure's /openai/v1 included.
        url: What the SDK is given as its base URL; of an Azure resource, its endpoint.
        is_deployment: Whether the URL names an Azure deployment itself. If not, the model's name is the deployment's.
        query: What every request has in its query, Azure's api-version apart.
        api_version: Azure's. "" elsewhere.
        is_openai_model: Whether the models are OpenAI's, with their newest parameters: at OpenAI and in Azure.
    """

    kind: Literal["openai", "azure", "other"]
    url: str = field(repr=False)
    is_deployment: bool
    query: dict[str, str] = field(repr=False)
    api_version: str
    is_openai_model: bool


def read_address(base_url: str | None, environment: Mapping[str, str]) -> Address:
    """
    Read the address of a server.

    Args:
        base_url: As in `ModelContext`.
        environment: Environment variables.
    """
    url, query = split_url(base_url or OPENAI)
    url = url.removesuffix(_ENDPOINT)
    parts = urlsplit(url)
    host = parts.hostname or ""
    is_azure_host = host.endswith(_AZURE_HOSTS)
    is_deployment = _DEPLOYMENTS in parts.path
    if is_deployment or (is_azure_host and not parts.path.endswith("/v1")):
        return Address(
            kind="azure",
            url=url if is_deployment else url.removesuffix("/openai"),
            is_deployment=is_deployment,
            api_version=query.pop("api-version", "")
            or environment.get("OPENAI_API_VERSION", "").strip()
            or AZURE_API_VERSION,
            query=query,
            is_openai_model=True,
        )
    is_openai = host == "openai.com" or host.endswith(".openai.com")
    return Address(
        kind="openai" if is_openai else "other",
        # Servers of one's own speak the protocol below /v1; their addresses are often given without.
        url=url if parts.path.strip("/") else f"{url}/v1",
        is_deployment=False,
        api_version="",
        query=query,
        is_openai_model=is_openai or is_azure_host,
    )
