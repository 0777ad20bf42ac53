"""Makes what a run starts with: keys that exist for this run alone, and the seed that knows their public halves.

    prepare.py FOLDER
"""

import base64
import datetime
import json
import pathlib
import secrets
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

TENANT = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01"
OPERATOR = "10000000-0000-4000-8000-000000000001"
SUBSCRIPTION = "30000000-0000-4000-8000-000000000001"
ISSUER = "https://token.actions.githubusercontent.com"
SUBJECT = "repo:contoso/web:ref:refs/heads/main"


def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(private):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "operator")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=30))
    return builder.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def pem(private):
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return private.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def published(private):
    numbers = private.public_key().public_numbers()

    def text(number):
        raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    return {"kty": "RSA", "kid": "k1", "n": text(numbers.n), "e": text(numbers.e)}


def main(folder):
    own, stranger, issuer = key(), key(), key()
    own_certificate = certificate(own)
    (folder / "own.pem").write_text(pem(own) + own_certificate)
    (folder / "stranger.pem").write_text(pem(stranger) + certificate(stranger))
    (folder / "issuer.pem").write_text(pem(issuer))
    secret, expired, token = (secrets.token_urlsafe(30) for _ in range(3))
    roles = ["Application.ReadWrite.All", "Directory.Read.All"]
    seed = {
        "settings": {"resourceManager": {"operationSeconds": 1, "retryAfterSeconds": 1, "throttling": False}},
        "tenants": [{
            "id": TENANT, "domain": "contoso.onmicrosoft.com", "displayName": "Contoso",
            "users": [{
                "userPrincipalName": "ada@contoso.onmicrosoft.com", "displayName": "Ada",
                "devopsOrganizations": ["Contoso"],
            }],
            "applications": [{
                "displayName": "Operator", "clientId": OPERATOR, "graphRoles": roles,
                "devopsOrganizations": ["Contoso"],
                "passwords": [
                    {"displayName": "good", "secret": secret},
                    {"displayName": "expired", "startsInDays": -9, "endsInDays": -1, "secret": expired},
                ],
                "certificates": [{"pem": own_certificate}],
                "federatedCredentials": [{"name": "main", "issuer": ISSUER, "subject": SUBJECT}],
            }],
        }],
        "issuers": [{"issuer": ISSUER, "keys": [published(issuer)]}],
        "subscriptions": [{
            "id": SUBSCRIPTION, "tenant": TENANT, "name": "Production",
            "roleAssignments": [{"principal": OPERATOR, "role": "Owner"}],
            # The inside of every machine is ready at once: nobody waits for a test.
            "machines": [{"name": "", "bootSeconds": 1, "runSeconds": 1}],
        }],
        "organizations": [{
            "name": "Contoso", "tenant": TENANT,
            "projects": [{"name": "Web", "description": "A site"}],
            "personalAccessTokens": [{
                "user": "ada@contoso.onmicrosoft.com", "displayName": "tests", "scope": "app_token", "token": token,
            }],
        }],
        "vaults": [{"name": "contoso-keys", "tenant": TENANT, "readers": [], "officers": [OPERATOR]}],
    }
    (folder / "seed.json").write_text(json.dumps(seed, indent=1))
    facts = {
        "tenant": TENANT, "client": OPERATOR, "subscription": SUBSCRIPTION, "issuer": ISSUER, "subject": SUBJECT,
        "secret": secret, "expired": expired, "pat": token, "folder": str(folder),
    }
    (folder / "facts.json").write_text(json.dumps(facts))


main(pathlib.Path(sys.argv[1]))
