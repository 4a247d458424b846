"""Empty databases of both engines, for tests that run on each.

@pytest.fixture(params=databases.ENGINES)
def url(request: pytest.FixtureRequest) -> str:
    return databases.empty(request)
"""

import pytest

ENGINES = ("sqlite", "postgresql")


def empty(request: pytest.FixtureRequest) -> str:
    """The address of an empty database of the engine that the fixture's parameter names, for this test alone."""
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('tmp_path')}/gated.db"
    address: str = request.getfixturevalue("postgres").create_database()
    return address
