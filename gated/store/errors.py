"""What can go wrong between gated and its database.

    Conflict
    ├── ReleaseChanged      the release was written by somebody else since it was read
    ├── AlreadyActive       the service has another active release in that environment
    └── AlreadyDecided      the stage has its decision
    Unavailable
    ├── StoreUnreachable    no connection, or no answer in time
    ├── StoreBusy           other writers, or too many readers, kept it for too long
    ├── StoreFull           no room for another write
    ├── StoreReadOnly       it can be read and not written
    ├── StoreDamaged        what it holds cannot be read
    ├── SchemaOutdated      its tables are older than this gated
    └── SchemaTooNew        its tables are newer than this gated

Whatever else the driver raises is a defect of gated and passes through as it is. No message holds a password: it names
the database with the password left out, and the driver's own words are about SQL without parameters.
"""

from gated.model.errors import Conflict, Unavailable
from gated.model.ids import ReleaseId, StageName


class ReleaseChanged(Conflict):
    """The release was written by somebody else since it was read.

    Args:
        release: which one.
        expected: the revision that was no longer there; 0 when it was expected not to exist.
    """

    def __init__(self, release: ReleaseId, expected: int) -> None:
        self.release = release
        self.expected = expected
        super().__init__(f"release {release} is no longer at revision {expected}; read it again")


class AlreadyActive(Conflict):
    """The service has another active release in that environment.

    Args:
        active: that other release.
        service: of which service.
        environment: where.
    """

    def __init__(self, active: ReleaseId, service: str, environment: str) -> None:
        self.active = active
        self.service = service
        self.environment = environment
        super().__init__(f"{service} already has the active release {active} in {environment}")


class AlreadyDecided(Conflict):
    """The stage has its decision, and there is exactly one.

    Args:
        release: of which release.
        stage: which stage.
    """

    def __init__(self, release: ReleaseId, stage: StageName) -> None:
        self.release = release
        self.stage = stage
        super().__init__(f"stage {stage} of release {release} is already decided")


class StoreUnreachable(Unavailable):
    """The database cannot be reached, or gave no answer in time."""


class StoreBusy(Unavailable):
    """Others kept the database for so long that there was no turn for us."""


class StoreFull(Unavailable):
    """The database has no room for another write; free some disk space."""


class StoreReadOnly(Unavailable):
    """The database can be read and not written."""


class StoreDamaged(Unavailable):
    """What the database holds cannot be read; restore it from a backup."""


class SchemaOutdated(Unavailable):
    """The tables are older than this gated.

    Args:
        found: the revision of the tables; None when there are none.
        needed: the revision this gated works with.
    """

    def __init__(self, found: str | None, needed: str) -> None:
        self.found = found
        self.needed = needed
        state = "has no tables yet" if found is None else f"is at schema {found}"
        super().__init__(f"the database {state}, this gated needs schema {needed}: run `gated db upgrade`")


class SchemaTooNew(Unavailable):
    """The tables are newer than this gated.

    Args:
        found: the revision of the tables.
        needed: the revision this gated works with.
    """

    def __init__(self, found: str, needed: str) -> None:
        self.found = found
        self.needed = needed
        super().__init__(f"the database is at schema {found}, this gated knows up to {needed}: run a newer gated")
