"""azure-identity and MSAL: secrets, certificates and federated assertions, good and bad."""

import datetime
import unittest
import uuid

import jwt
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential, ClientAssertionCredential, ClientSecretCredential

from here import FACTS, FOLDER, ORIGIN

SCOPE = f"{ORIGIN}/.default"
GRAPH = "https://graph.microsoft.com/.default"
CLIENT = (FACTS["tenant"], FACTS["client"])
WHERE = {"authority": ORIGIN, "disable_instance_discovery": True}


def federated(**changes):
    now = datetime.datetime.now(datetime.timezone.utc)
    claims = {
        "aud": "api://AzureADTokenExchange", "iss": FACTS["issuer"], "sub": FACTS["subject"], "jti": str(uuid.uuid4()),
        "iat": now, "nbf": now, "exp": now + datetime.timedelta(minutes=5), **changes,
    }
    return jwt.encode(claims, (FOLDER / "issuer.pem").read_text(), algorithm="RS256", headers={"kid": "k1"})


class Identity(unittest.TestCase):
    def refused(self, credential, number):
        with self.assertRaises(ClientAuthenticationError) as caught:
            credential.get_token(GRAPH)
        self.assertIn(f"AADSTS{number}:", str(caught.exception))

    def test_a_secret_buys_a_token_that_the_published_keys_verify(self):
        token = ClientSecretCredential(*CLIENT, FACTS["secret"], **WHERE).get_token(GRAPH).token
        keys = jwt.PyJWKClient(f"{ORIGIN}/{FACTS['tenant']}/discovery/v2.0/keys")
        key = keys.get_signing_key_from_jwt(token).key
        claims = jwt.decode(token, key, algorithms=["RS256"], audience="https://graph.microsoft.com")
        self.assertEqual(claims["appid"], FACTS["client"])
        self.assertEqual(claims["tid"], FACTS["tenant"])

    def test_a_wrong_and_an_expired_secret_are_told_apart(self):
        self.refused(ClientSecretCredential(*CLIENT, "nonsense", **WHERE), 7000215)
        self.refused(ClientSecretCredential(*CLIENT, FACTS["expired"], **WHERE), 7000222)

    def test_a_certificate_buys_tokens_for_two_services(self):
        credential = CertificateCredential(*CLIENT, certificate_path=str(FOLDER / "own.pem"), **WHERE)
        # Both by one assertion, which the library keeps for some minutes.
        self.assertTrue(credential.get_token(GRAPH).token)
        self.assertTrue(credential.get_token(SCOPE).token)

    def test_a_certificate_of_somebody_else_is_refused(self):
        credential = CertificateCredential(*CLIENT, certificate_path=str(FOLDER / "stranger.pem"), **WHERE)
        self.refused(credential, 700027)

    def test_a_federated_assertion_buys_a_token(self):
        self.assertTrue(ClientAssertionCredential(*CLIENT, federated, **WHERE).get_token(GRAPH).token)

    def test_a_federated_assertion_for_somebody_else_is_refused(self):
        other = ClientAssertionCredential(*CLIENT, lambda: federated(sub="repo:contoso/other:ref:x"), **WHERE)
        self.refused(other, 700213)
        past = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
        self.refused(ClientAssertionCredential(*CLIENT, lambda: federated(exp=past), **WHERE), 700024)


if __name__ == "__main__":
    unittest.main()
