"""What a real website host tells Prometheus of what it was asked for; and when it says that it is ready."""

from __future__ import annotations

from typing import Any, cast

from tests.host.running import DOWNLOAD, DRIVE, UPLOAD, HostCase
from tests.metrics.samples import Samples
from webots_cloud.secret import Secret

REQUESTS, REFUSALS = "webots_cloud_host_requests_total", "webots_cloud_host_refusals_total"


class Telling(HostCase):
    async def samples(self) -> Samples:
        response, body = await self.get("/metrics")
        assert response.code == 200
        return Samples(body.decode())

    async def test_what_was_answered_is_counted(self) -> None:
        _, cookie = await self.visit()
        await self.download()
        await self.told(UPLOAD, DRIVE, cookies=cookie)
        samples = await self.samples()
        for request in ("DownloadProject", "UploadFile", "ProjectsJson"):
            assert samples(REQUESTS, request=request, result="answered") == 1

    async def test_what_was_refused_is_counted_with_why(self) -> None:
        for key in ("wrong", "wrong, too"):
            await self.told(DOWNLOAD, {"project": "simple", "key": key})
        samples = await self.samples()
        assert samples(REQUESTS, request="DownloadProject", result="refused") == 2
        assert samples(REQUESTS, request="DownloadProject", result="answered") == 0
        assert samples(REFUSALS, request="DownloadProject", reason="WrongKey") == 2

    async def test_both_spellings_of_a_script_are_counted_together(self) -> None:
        for path in (DOWNLOAD, DOWNLOAD.replace("-", "_")):
            await self.told(path, {"project": "simple", "key": "wrong"})
        assert (await self.samples())(REQUESTS, request="DownloadProject", result="refused") == 2

    async def test_faults_of_its_own_are_counted(self) -> None:
        (self.data / "visitors.sqlite").write_text("no data base")
        _, cookie = await self.visit()
        response, _ = await self.post(UPLOAD, DRIVE, cookies=cookie)
        assert response.code == 200
        assert (await self.samples())(REQUESTS, request="UploadFile", result="failed") == 1
        cast(Any, self).flushLoggedErrors()

    async def test_everything_that_may_be_asked_for_is_there_from_the_start(self) -> None:
        samples = await self.samples()
        told = {(labels["request"], labels["result"]) for labels in samples.labels(REQUESTS)}
        for request in ("LogIn", "SignUp", "DownloadProject", "UploadFile", "Restore"):
            assert {result for name, result in told if name == request} == {"answered", "refused", "gone", "failed"}

    async def test_nothing_is_told_that_is_of_a_visitor(self) -> None:
        who, cookie = await self.visit()
        await self.told(UPLOAD, DRIVE, cookies=cookie)
        await self.download(**who)
        _, body = await self.get("/metrics")
        text = body.decode()
        for secret in (*who.values(), *cookie.values(), "sesame", "simple", "drive", str(self.folder)):
            assert secret not in text


class Guarded(HostCase):
    options: dict[str, Any] = {"monitorPassword": Secret("open sesame")}  # noqa: RUF012 -- as in its base class

    async def test_who_knows_the_password_may_see_the_metrics(self) -> None:
        response, _ = await self.get("/metrics")
        assert response.code == 401
        response, _ = await self.get("/metrics", auth=("prometheus", "open sesame"))
        assert response.code == 200

    async def test_everybody_may_ask_how_it_is(self) -> None:
        for path in ("/healthz", "/readyz"):
            response, body = await self.get(path)
            assert (response.code, body) == (200, b"ok\n")


class Ready(HostCase):
    async def asked(self) -> tuple[int, bytes]:
        response, body = await self.get("/readyz")
        return response.code, body

    async def test_it_is_not_without_its_data_base(self) -> None:
        assert await self.asked() == (200, b"ok\n")
        (self.data / "visitors.sqlite").unlink()
        assert await self.asked() == (503, b"the data base of visitors is not there\n")

    async def test_it_is_not_where_nothing_can_be_saved(self) -> None:
        self.data.chmod(0o500)
        self.addCleanup(self.data.chmod, 0o700)
        assert await self.asked() == (503, b"the data folder cannot be written to\n")

    async def test_it_is_not_while_it_stops(self) -> None:
        (ready,) = (child for path, child in self.site_root.items() if path == b"readyz")
        stopping = self.host.stopService()
        assert cast(Any, ready)._trouble() == "this server is being stopped"
        await stopping

    @property
    def site_root(self) -> dict[bytes, Any]:
        """What is served at the root."""
        (listener,) = (service for service in self.host if type(service).__name__ == "Listener")
        return dict(cast(Any, listener)._site.resource.children)
