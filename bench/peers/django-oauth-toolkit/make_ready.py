"""Make the tables, the people and the clients: `python make_ready.py PEOPLE`.

Its environment: BENCH_CLIENT, BENCH_MACHINE, BENCH_SECRET, BENCH_CALLBACK.
"""

import os
import sys

import django
from django.core.management import call_command

django.setup()

from django.contrib.auth.models import User
from oauth2_provider.models import Application

call_command("migrate", verbosity=0)
for number in range(int(sys.argv[1])):
    User.objects.create_user(f"person-{number}", password="open")
# Here a client has one kind of grant.
for variable, kind in (
    ("BENCH_CLIENT", Application.GRANT_AUTHORIZATION_CODE),
    ("BENCH_MACHINE", Application.GRANT_CLIENT_CREDENTIALS),
):
    Application.objects.create(
        name=os.environ[variable],
        client_id=os.environ[variable],
        client_secret=os.environ["BENCH_SECRET"],
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=kind,
        redirect_uris=os.environ["BENCH_CALLBACK"],
    )
