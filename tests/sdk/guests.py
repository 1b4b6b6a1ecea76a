"""Microsoft's own client for Python at the simulated tenant: whatever it reads is held against the simulator's truth."""

import asyncio
import json
import sys
import time
import urllib.parse
import urllib.request

from azure.core.credentials import AccessToken
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.email_address import EmailAddress
from msgraph.generated.models.group import Group
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.message import Message
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.recipient import Recipient
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.user import User
from msgraph.generated.models.user_collection_response import UserCollectionResponse
from msgraph.generated.users.item.send_mail.send_mail_post_request_body import SendMailPostRequestBody
from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph_core.tasks.page_iterator import PageIterator

GUESTS = "userType eq 'Guest'"
SELECT = ["id", "displayName", "mail", "userType", "accountEnabled", "createdDateTime", "signInActivity"]


class Secret:
    """A client secret. azure-identity has one too, but takes no authority without TLS, which the simulator has not."""

    def __init__(self, url: str, info: dict) -> None:
        self.token = None
        self.endpoint = f"{url}/{info['tenant_id']}/oauth2/v2.0/token"
        self.form = {
            "grant_type": "client_credentials",
            "client_id": info["client_id"],
            "client_secret": info["client_secret"],
        }

    def get_token(self, *scopes: str, **_) -> AccessToken:
        if self.token is None:
            form = urllib.parse.urlencode(self.form | {"scope": " ".join(scopes)}).encode()
            with urllib.request.urlopen(self.endpoint, form) as answer:
                token = json.load(answer)
            self.token = AccessToken(token["access_token"], int(time.time()) + token["expires_in"])
        return self.token


def told(url: str, what: str):
    """What the simulator's control interface tells."""
    with urllib.request.urlopen(f"{url}/_simulator/{what}") as answer:
        return json.load(answer)


def made(url: str, what: str, body: dict):
    """What the simulator's control interface makes."""
    with urllib.request.urlopen(f"{url}/_simulator/{what}", json.dumps(body).encode()) as answer:
        return json.load(answer)


def same(what: str, found, expected) -> None:
    if found != expected:
        sys.exit(f"{what}: the client has {found}, the simulator {expected}")
    print(f"{what}: {len(found) if isinstance(found, (set, dict)) else found}")


async def listed(client: GraphServiceClient) -> dict[str, User]:
    """Every guest, page after page."""
    query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(filter=GUESTS, select=SELECT, top=100)
    first = await client.users.get(RequestConfiguration(query_parameters=query))
    guests: dict[str, User] = {}

    def take(user: User) -> bool:
        same_twice = guests.setdefault(user.id, user) is not user
        assert not same_twice, user.id
        return True

    assert isinstance(first, UserCollectionResponse) and first.odata_next_link, "there is more than one page"
    await PageIterator(first, client.request_adapter).iterate(take)
    return guests


async def counted(client: GraphServiceClient) -> int:
    query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(filter=GUESTS)
    configuration = RequestConfiguration(query_parameters=query)
    configuration.headers.add("ConsistencyLevel", "eventual")
    return await client.users.count.get(configuration)


async def is_enabled(client: GraphServiceClient, guest: str) -> bool:
    query = UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters(select=["accountEnabled"])
    user = await client.users.by_user_id(guest).get(RequestConfiguration(query_parameters=query))
    return user.account_enabled


async def refusal(call) -> tuple[int, str]:
    try:
        await call
    except ODataError as error:
        return error.response_status_code, error.error.code
    return 0, "nothing was refused"


async def read(client: GraphServiceClient, truth: dict[str, dict]) -> None:
    guests = await listed(client)
    same("guests, by pages", set(guests), set(truth))
    same("guests, counted", await counted(client), len(truth))
    enabled = {id for id, guest in guests.items() if guest.account_enabled}
    same("guests that are enabled", enabled, {id for id, row in truth.items() if row["enabled"]})
    seen = {id for id, guest in guests.items() if guest.sign_in_activity}
    assert seen, "somebody signed in"
    for id in seen:
        times = guests[id].sign_in_activity
        assert times.last_sign_in_date_time or times.last_non_interactive_sign_in_date_time, id
    print(f"guests with sign-in times: {len(seen)}")
    for id in list(truth)[:40]:
        page = await client.users.by_user_id(id).sponsors.get()
        sponsors = {(one.id, "group" if isinstance(one, Group) else "user") for one in page.value}
        assert all(isinstance(one, (User, Group)) for one in page.value)
        expected = {(one["id"], one["kind"]) for one in truth[id]["sponsors"] if not one["deleted"]}
        if sponsors != expected:
            same(f"sponsors of {id}", sponsors, expected)
    organization = (await client.organization.get()).value[0]
    assert organization.assigned_plans and organization.verified_domains
    assert (await client.audit_logs.sign_ins.get()).value, "there is a log"
    assert (await client.role_management.directory.role_assignments.get()).value, "somebody holds a role"


async def leave(client: GraphServiceClient, guest: str, group: str, sponsor: str) -> None:
    """Takes a guest out of a group, and gives it another sponsor."""
    user = client.users.by_user_id(guest)
    groups = await user.member_of.graph_group.get()
    assert all(isinstance(one, Group) for one in groups.value) and group in {one.id for one in groups.value}
    members = client.groups.by_group_id(group).members
    assert guest in {one.id for one in (await members.get()).value}
    await members.by_directory_object_id(guest).ref.delete()
    assert guest not in {one.id for one in (await members.get()).value}, "it is out of the group"
    address = f"https://graph.microsoft.com/v1.0/groups/{sponsor}"
    await user.sponsors.ref.post(ReferenceCreate(odata_id=address))
    assert sponsor in {one.id for one in (await user.sponsors.get()).value}, "the group is a sponsor"


async def write(client: GraphServiceClient, guest: str, info: dict) -> None:
    user = client.users.by_user_id(guest)
    await user.patch(User(account_enabled=False))
    same("enabled after PATCH", await is_enabled(client, guest), False)
    recipient = Recipient(email_address=EmailAddress(address="sara@contoso.example"))
    body = ItemBody(content_type=BodyType.Text, content="Hello.")
    message = Message(subject="A guest", body=body, to_recipients=[recipient])
    sender = client.users.by_user_id(info["notify_sender"])
    await sender.send_mail.post(SendMailPostRequestBody(message=message, save_to_sent_items=True))
    await user.delete()
    same("GET after DELETE", await refusal(user.get()), (404, "Request_ResourceNotFound"))
    deleted = await client.directory.deleted_items.graph_user.get()
    assert guest in {one.id for one in deleted.value}, "it is among the deleted ones"
    restored = await client.directory.deleted_items.by_directory_object_id(guest).restore.post()
    assert isinstance(restored, User) and restored.id == guest
    same("enabled after it was restored", await is_enabled(client, guest), False)


async def main(url: str) -> None:
    info = told(url, "info")
    rows = [row for row in told(url, "truth") if row["user_type"] == "Guest" and not row["deleted"] and not row["purged"]]
    truth = {row["id"]: row for row in rows}
    provider = AzureIdentityAuthenticationProvider(Secret(url, info), allowed_hosts=[urllib.parse.urlparse(url).hostname])
    adapter = GraphRequestAdapter(provider)
    adapter.base_url = f"{url}/v1.0"
    client = GraphServiceClient(request_adapter=adapter)
    await read(client, truth)
    guest = next(id for id, row in truth.items() if row["enabled"] and not row["privileged"])
    await write(client, guest, info)
    group, sponsor = (made(url, "groups", {"name": name, "members": [guest]})["id"] for name in ("Bridge", "Tower"))
    await leave(client, guest, group, sponsor)
    kinds = [row["kind"] for row in told(url, "writes")]
    same("writes", kinds, ["disable", "send-mail", "delete", "restore", "remove-member", "add-sponsor"])


asyncio.run(main(sys.argv[1]))
