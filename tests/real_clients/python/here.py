"""Where the emulator of this run is, and who may do what in it."""

import json
import os
import pathlib

from azure.identity import ClientSecretCredential

FACTS = json.loads(pathlib.Path(os.environ["REAL_CLIENTS_FACTS"]).read_text())
ORIGIN = FACTS["origin"]
FOLDER = pathlib.Path(FACTS["folder"])


def credential():
    # The host is not Microsoft's, so Microsoft's list of hosts is not asked about it.
    return ClientSecretCredential(
        FACTS["tenant"], FACTS["client"], FACTS["secret"], authority=ORIGIN, disable_instance_discovery=True
    )
