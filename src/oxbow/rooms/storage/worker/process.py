"""An object worker's process: puts its parts together, serves uploads and downloads, and ends cleanly.

Started by the supervisor as `python -m oxbow.rooms.storage.worker.process INDEX ADDRESS`.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from zoneinfo import ZoneInfo

from oxbow.kernel import logs
from oxbow.kernel.accounts import AccountStore
from oxbow.kernel.accounts.keyring import KeyRing
from oxbow.kernel.blobs import LocalBlobs
from oxbow.kernel.database import Database, DatabaseUnavailableError
from oxbow.kernel.httpd import HttpServer
from oxbow.kernel.iam.rights import Rights
from oxbow.kernel.iam.store import IamStore
from oxbow.kernel.outbound import OutboundClient
from oxbow.kernel.ports import listen
from oxbow.kernel.settings import KernelSettings, ListenAddress, load
from oxbow.kernel.supervisor import die_with_parent
from oxbow.rooms.storage.download.access import DownloadAccess
from oxbow.rooms.storage.download.download import Downloads
from oxbow.rooms.storage.gateway import ObjectGateway
from oxbow.rooms.storage.places import Places
from oxbow.rooms.storage.settings import StorageSettings
from oxbow.rooms.storage.store import BlockStore, BucketStore, ObjectStore, PartStore
from oxbow.rooms.storage.upload.blocks import BlockUploads
from oxbow.rooms.storage.upload.callback import UploadCaller
from oxbow.rooms.storage.upload.finish import Finisher
from oxbow.rooms.storage.upload.form import FormUploads
from oxbow.rooms.storage.upload.grants import Grants
from oxbow.rooms.storage.upload.multipart import MultipartUploads
from oxbow.rooms.storage.upload.uploads import Uploads

DATABASE_RETRY_SECONDS = 1.0

log = logs.get_logger("oxbow.storage.worker")


class ObjectWorker:
    """One worker, from its database to its port."""

    def __init__(self, kernel: KernelSettings, storage: StorageSettings) -> None:
        self._kernel = kernel
        self._database = Database.of(kernel)
        self._outbound = OutboundClient(kernel.outbound_allow)
        self._blobs = LocalBlobs(kernel.home / "objects", fsync=storage.fsync)
        keys = KeyRing(AccountStore(self._database))
        rights = Rights(IamStore(self._database))
        buckets, objects = BucketStore(self._database), ObjectStore(self._database)
        finisher = Finisher(objects, UploadCaller(self._outbound), ZoneInfo(kernel.time_zone))
        self._server = HttpServer(
            ObjectGateway(
                Places(buckets, storage.domain_suffix),
                Downloads(objects, self._blobs, DownloadAccess(keys, rights)),
                self._uploads(Grants(keys, rights, buckets), finisher),
            )
        )

    def _uploads(self, grants: Grants, finisher: Finisher) -> Uploads:
        return Uploads(
            FormUploads(grants, self._blobs, finisher),
            BlockUploads(grants, self._blobs, BlockStore(self._database), finisher),
            MultipartUploads(grants, self._blobs, PartStore(self._database), finisher),
        )

    async def open(self, address: ListenAddress) -> None:
        """Begin to serve, once the database is there."""
        await self._blobs.open()
        await self._open_database()
        await self._server.start(listen(address))

    async def _open_database(self) -> None:
        while True:
            try:
                await self._database.migrate()
                return
            except DatabaseUnavailableError as error:
                log.warning("the database is not there yet", error=str(error))
                await asyncio.sleep(DATABASE_RETRY_SECONDS)

    async def close(self) -> None:
        """Nobody new; those who are being served have some seconds."""
        await self._server.close(self._kernel.shutdown_seconds)
        await self._outbound.close()
        await self._database.close()


async def run(index: int, address: ListenAddress) -> None:
    """Serve until SIGTERM or SIGINT."""
    worker = ObjectWorker(load(KernelSettings), load(StorageSettings))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await worker.open(address)
    log.info("object worker ready", worker=index, address=str(address))
    await stop.wait()
    await worker.close()


def main(arguments: list[str]) -> None:
    """The process's entry."""
    die_with_parent()
    index = int(arguments[0])
    kernel = load(KernelSettings)
    logs.setup(kernel.log_level, kernel.log_format, f"objects-{index}")
    asyncio.run(run(index, ListenAddress.parse(arguments[1])))


if __name__ == "__main__":
    main(sys.argv[1:])
