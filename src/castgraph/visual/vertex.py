"""Google's multimodal embeddings, a service that is paid for.

What it said of a picture is kept (in castgraph's cache, by the picture's content), so that nobody pays twice:
not after a quota was used up in the middle, nor in another run.
"""

from __future__ import annotations

import base64
import hashlib
import io
import ipaddress
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
from PIL import Image
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from castgraph.base.models import cache_folder
from castgraph.base.text import counted, line, shortened
from castgraph.visual.embedder import Embedder, EmbedderError, Picture, Seen, Vectors, unit

log = logging.getLogger(__name__)

SIDE = 512
"""Longer side of the pictures that are sent, as the study did; larger ones cost traffic and tell no more."""

ATTEMPTS = 6
LONGEST_WAIT = 60.0
"""Seconds before an attempt, unless the service asks for less."""

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_MOST_ANSWER = 1 << 20
_SOON = {408, 429, 500, 502, 503, 504}


class _TryAgainError(RuntimeError):
    """The service did not answer, or not now."""

    def __init__(self, told: str, wait: float | None = None) -> None:
        super().__init__(told)
        self.wait = wait


def load_vertex(
    settings: Mapping[str, Any],
    *,
    token: Callable[[], str] | None = None,
    cache: Path | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Embedder:
    """Prepare to ask the service; nothing is asked yet.

    Parameters
    ----------
    settings
        The section ``visual.vertex`` of the configuration.
    token
        Gives what proves who asks; None for Google's own way (application default credentials).
    cache
        The file that answers are kept in; None for one in castgraph's cache.
    sleep
        What waits.

    Raises
    ------
    EmbedderError
        When google-auth or the credentials are missing, or an endpoint is not safe.
    """
    service = _Service(settings, token or _google_token(), cache, sleep)
    size = settings["dimensions"]

    def pictures(given: Sequence[Picture]) -> Seen:
        rows = [service.vector(_picture(each), "image") for each in given]
        vectors = unit(np.stack(rows), "vertex") if rows else np.empty((0, size), np.float32)
        return Seen(vectors, [[] for _ in given])

    def words(given: Sequence[str]) -> Vectors:
        service.announce(len(given))
        return unit(np.stack([service.vector(each, "text") for each in given]), "vertex")

    models = {"vertex": settings["model"]}
    return Embedder(f"vertex-{size}", size, pictures, words, models, service.announce)


def _picture(picture: Picture) -> str:
    image = Image.fromarray(picture)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90, comment=None)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


class _Service:
    """The service, what it has said, and what that has cost."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        token: Callable[[], str],
        cache: Path | None,
        sleep: Callable[[float], None],
    ) -> None:
        self._settings, self._token, self._sleep = settings, token, sleep
        location, model = settings["location"], settings["model"]
        base = settings["endpoint"] or f"https://{location}-aiplatform.googleapis.com"
        self._check(base)
        self._address = (
            f"{base.rstrip('/')}/v1/projects/{settings['project']}/locations/{location}"
            f"/publishers/google/models/{model}:predict"
        )
        self._size = settings["dimensions"]
        self._client = httpx.Client(timeout=60, follow_redirects=False)
        self._next = 0.0
        self._cache = cache or cache_folder() / "vertex" / f"{model}-{self._size}.sqlite"
        self._cache.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._open()) as known, known:
            known.execute(
                "CREATE TABLE IF NOT EXISTS vectors (digest TEXT PRIMARY KEY, vector BLOB NOT NULL)"
            )

    @staticmethod
    def _check(base: str) -> None:
        parts = urlsplit(base)
        try:
            is_here = parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname or "").is_loopback
        except ValueError:
            is_here = False
        if parts.scheme != "https" and not is_here:
            raise EmbedderError(
                f"visual.vertex.endpoint: found {base!r}; allowed: https://…, or http:// on this machine, as "
                "credentials are sent there"
            )

    def _open(self) -> sqlite3.Connection:
        try:
            return sqlite3.connect(self._cache, timeout=60)
        except sqlite3.Error as error:
            raise EmbedderError(f"{self._cache} cannot be used ({error})") from error

    def announce(self, n: int) -> None:
        """Say what pictures will cost at most, and refuse where that is more than may be spent."""
        price, most = self._settings["price"], self._settings["most_usd"]
        cost = n * price
        told = (
            f"{counted(n, 'request')} to {self._settings['model']} at {price:g} USD cost at most {cost:.4g} "
            f"USD; {self._spent():.4g} USD were spent before"
        )
        if cost > most:
            raise EmbedderError(f"{told}, and visual.vertex.most_usd is {most:g}: nothing was asked")
        log.info("%s (visual.vertex.most_usd: %g)", told, most)

    def _spent(self) -> float:
        """Tell what all that is known has cost."""
        with closing(self._open()) as known:
            [[n_known]] = known.execute("SELECT count(*) FROM vectors").fetchall()
        return float(n_known * self._settings["price"])

    def vector(self, content: str, kind: str) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Give what the service says of a picture or text, or has said before."""
        digest = hashlib.blake2b(f"{kind}:{content}".encode(), digest_size=20).hexdigest()
        with closing(self._open()) as known:
            rows = known.execute("SELECT vector FROM vectors WHERE digest = ?", (digest,)).fetchall()
        if rows and len(rows[0][0]) == 4 * self._size:
            return np.frombuffer(rows[0][0], "<f4")
        most = self._settings["most_usd"]
        if (spent := self._spent()) + self._settings["price"] > most * (1 + 1e-9):
            raise EmbedderError(
                f"{spent:.4g} USD are spent and visual.vertex.most_usd is {most:g}: no more is asked. What "
                "the service has said is kept; with more to spend the same command goes on from there"
            )
        instance = {"image": {"bytesBase64Encoded": content}} if kind == "image" else {"text": content}
        found = self._asked(instance, f"{kind}Embedding")
        with closing(self._open()) as known, known:
            known.execute(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?)", (digest, found.astype("<f4").tobytes())
            )
        return found

    def _asked(self, instance: Mapping[str, Any], key: str) -> np.ndarray[Any, np.dtype[np.float32]]:
        patient = wait_random_exponential(multiplier=1, max=LONGEST_WAIT)

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = getattr(error, "wait", None)
            return min(asked, LONGEST_WAIT) if asked is not None else patient(state)

        tries = Retrying(
            retry=retry_if_exception_type(_TryAgainError),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return tries(self._ask, instance, key)
        except _TryAgainError as error:
            raise EmbedderError(
                f"{self._settings['model']}: {error}, after {ATTEMPTS} attempts. What it has said is kept; "
                "the same command goes on from there (see visual.vertex.per_minute)"
            ) from error

    def _ask(self, instance: Mapping[str, Any], key: str) -> np.ndarray[Any, np.dtype[np.float32]]:
        self._take_turn()
        body = {"instances": [instance], "parameters": {"dimension": self._size}}
        headers = {"Authorization": f"Bearer {self._token()}"}
        try:
            answer = self._client.post(self._address, json=body, headers=headers)
        except httpx.TransportError as error:
            raise _TryAgainError(f"no answer ({error})") from error
        if answer.status_code in _SOON:
            told = "the quota is used up" if answer.status_code == 429 else f"error {answer.status_code}"
            after = answer.headers.get("retry-after", "")
            raise _TryAgainError(told, float(after) if after.isdecimal() else None)
        if answer.status_code != 200:
            told = shortened(line(answer.text), 300)
            raise EmbedderError(f"{self._settings['model']} refuses ({answer.status_code}): {told}")
        try:
            if len(answer.content) > _MOST_ANSWER:
                raise ValueError(f"{len(answer.content)} bytes")
            found = np.array(answer.json()["predictions"][0][key], np.float32)
            if found.shape != (self._size,):
                raise ValueError(f"numbers of shape {found.shape}")
        except (ValueError, LookupError, TypeError) as error:
            raise EmbedderError(
                f"{self._settings['model']} gives something else than vectors ({error})"
            ) from error
        return found

    def _take_turn(self) -> None:
        """Wait so long that no more is asked in a minute than may be."""
        now = time.monotonic()
        if self._next > now:
            self._sleep(self._next - now)
        self._next = max(self._next, now) + 60 / self._settings["per_minute"]


def _google_token() -> Callable[[], str]:
    try:
        import google.auth
        import google.auth.exceptions
        import google.auth.transport.requests
    except ImportError as error:
        raise EmbedderError(
            "visual.embedder: vertex needs the packages google-auth and requests; run "
            "`uv sync --extra vertex`"
        ) from error
    try:
        credentials, _ = google.auth.default(scopes=[_SCOPE])
    except google.auth.exceptions.GoogleAuthError as error:
        raise EmbedderError(
            f"visual.embedder: vertex finds no credentials of Google ({error}); `gcloud auth "
            "application-default login` makes some"
        ) from error

    def token() -> str:
        try:
            if not credentials.valid:
                credentials.refresh(google.auth.transport.requests.Request())
        except google.auth.exceptions.GoogleAuthError as error:
            raise EmbedderError(f"Google does not accept the credentials ({error})") from error
        return str(credentials.token)

    return token
