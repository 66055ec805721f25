"""A browser without scripts, over the application of a test."""

import re
from urllib.parse import urlencode

from tests.integration.web.service import Answer, Service


class Browser:
    """Browser with cookies and the forms of the last page. It does not follow redirects."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.cookies: dict[str, str] = {}
        self.csrf = ""

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        return self._taken(self.service.get(path, {**self._headers(), **(headers or {})}))

    def post(self, path: str, headers: dict[str, str] | None = None, **fields: str) -> Answer:
        sent = {"content-type": "application/x-www-form-urlencoded", **self._headers(), **(headers or {})}
        body = urlencode({"csrf": self.csrf, **fields}).encode()
        return self._taken(self.service.bench.run(self.service._request("POST", path, sent, body)))

    def sign_in(self, key: str = "", **fields: str) -> Answer:
        key = key or self.service.key["authorization"].removeprefix("Bearer ")
        return self.post("/sign-in", None, key=key, **fields)

    def _headers(self) -> dict[str, str]:
        return {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}

    def _taken(self, answer: Answer) -> Answer:
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        found = re.search(r'name="csrf" value="([^"]+)"', answer.text)
        self.csrf = found[1] if found else self.csrf
        return answer
