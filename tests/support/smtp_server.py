#!/usr/bin/python3
"""A mail server to be tested against: STARTTLS or implicit TLS, AUTH, DSN, and misbehaviour on
demand. It prints one JSON line when it listens and one for each mail that it took.

What it does wrong is told on the command line, or later by JSON lines on standard input:
  {"drop_after_dot": 1}   takes that many mails and hangs up instead of answering
  {"data_reply": "452 4.3.1 full"}, {"mail_reply": "..."}: answers so; null ends it
  {"rcpt_replies": {"bob@example.com": "550 5.1.1 unknown"}}
  {"silent_at": "EHLO"}   never answers that command (GREETING, EHLO, MAIL, DATA, QUIT)
Each line is answered by {"event": "set"}. It ends with its standard input.
"""

import argparse
import asyncio
import base64
import json
import logging
import os
import re
import ssl
import sys
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from aiosmtpd.smtp import SMTP, AuthResult  # noqa: E402
from mail_parse import describe  # noqa: E402

DSN_MAIL = re.compile(r"\s+(RET|ENVID)=(\S+)", re.IGNORECASE)
DSN_RCPT = re.compile(r"\s+(NOTIFY|ORCPT)=(\S+)", re.IGNORECASE)


def say(**values):
    print(json.dumps(values), flush=True)


class Behaviour:
    def __init__(self, arguments):
        self.arguments = arguments
        self.rules = {
            "drop_after_dot": arguments.drop_after_dot,
            "data_reply": None,
            "mail_reply": None,
            "rcpt_replies": {},
            "silent_at": arguments.silent_at,
        }

    def follow(self, line):
        self.rules.update(json.loads(line))
        say(event="set")


class Server(SMTP):
    def __init__(self, behaviour, **options):
        self.behaviour = behaviour
        self.dsn = {}
        super().__init__(Handler(behaviour), **options)

    def connection_made(self, transport):
        super().connection_made(transport)
        if not self.behaviour.arguments.is_quiet:
            tls = transport.get_extra_info("ssl_object")
            say(event="connection", tls=tls.version() if tls else None)

    async def push(self, status):
        if self.behaviour.rules["silent_at"] == "GREETING":
            await asyncio.Event().wait()
        await super().push(status)

    async def maybe_silent(self, command):
        if self.behaviour.rules["silent_at"] == command:
            await asyncio.Event().wait()

    async def smtp_EHLO(self, hostname):
        await self.maybe_silent("EHLO")
        await super().smtp_EHLO(hostname)

    async def smtp_MAIL(self, arg):
        await self.maybe_silent("MAIL")
        self.dsn = {name.upper(): value for name, value in DSN_MAIL.findall(arg or "")}
        self.dsn["NOTIFY"] = []
        if self.behaviour.rules["mail_reply"]:
            await self.push(self.behaviour.rules["mail_reply"])
            return
        await super().smtp_MAIL(DSN_MAIL.sub("", arg or ""))

    async def smtp_RCPT(self, arg):
        self.dsn["NOTIFY"] += [value for name, value in DSN_RCPT.findall(arg or "")
                               if name.upper() == "NOTIFY"]
        await super().smtp_RCPT(DSN_RCPT.sub("", arg or ""))

    async def smtp_DATA(self, arg):
        await self.maybe_silent("DATA")
        await super().smtp_DATA(arg)

    async def smtp_QUIT(self, arg):
        await self.maybe_silent("QUIT")
        await super().smtp_QUIT(arg)


class Handler:
    def __init__(self, behaviour):
        self.behaviour = behaviour

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        responses.insert(1, "250-DSN")
        responses.insert(1, "250-ENHANCEDSTATUSCODES")
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):
        reply = self.behaviour.rules["rcpt_replies"].get(address)
        if reply:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        rules = self.behaviour.rules
        is_dropped = rules["drop_after_dot"] > 0
        reply = None if is_dropped else rules["data_reply"]
        self.tell(server, session, envelope, reply, is_dropped)
        if is_dropped:
            rules["drop_after_dot"] -= 1
            server.transport.abort()
            return "421 4.3.0 gone"
        return reply or "250 2.0.0 taken"

    def tell(self, server, session, envelope, reply, is_dropped):
        tls = server.transport.get_extra_info("ssl_object")
        mail = {
            "event": "mail",
            "mail_from": envelope.mail_from,
            "rcpt_to": envelope.rcpt_tos,
            "tls": tls.version() if tls else None,
            "user": getattr(session, "user", None),
            "dsn": server.dsn,
            "reply": reply or "250",
            "dropped": is_dropped,
        }
        mail.update(describe(envelope.original_content))
        if self.behaviour.arguments.is_raw:
            mail["raw"] = base64.b64encode(envelope.original_content).decode()
        say(**mail)


def make_authenticator(arguments):
    def authenticate(server, session, envelope, mechanism, data):
        login, password = getattr(data, "login", b""), getattr(data, "password", b"")
        is_good = (login.decode(), password.decode()) == (arguments.user, arguments.password)
        session.user = login.decode() if is_good else None
        return AuthResult(success=is_good, handled=False)

    return authenticate


def make_tls(arguments):
    if not arguments.cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(arguments.cert, arguments.key)
    names = []

    def note_name(connection, name, unused):
        names.append(name)
        if not arguments.is_quiet:
            say(event="server_name", name=name)

    context.sni_callback = note_name
    return context


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", choices=["none", "starttls", "implicit"], default="none")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--user", help="AUTH is demanded")
    parser.add_argument("--password", default="")
    parser.add_argument("--auth-optional", action="store_true")
    parser.add_argument("--auth-in-clear", action="store_true")
    parser.add_argument("--drop-after-dot", type=int, default=0)
    parser.add_argument("--silent-at", default="")
    parser.add_argument("--raw", dest="is_raw", action="store_true", help="adds the bytes, base64")
    parser.add_argument("--quiet", dest="is_quiet", action="store_true", help="only mails")
    return parser.parse_args()


async def serve(arguments):
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    behaviour = Behaviour(arguments)
    tls = make_tls(arguments)
    options = {"hostname": "mail.example.com", "enable_SMTPUTF8": False, "decode_data": False}
    if arguments.tls == "starttls":
        options.update(tls_context=tls, require_starttls=True)
    if arguments.user:
        options.update(
            authenticator=make_authenticator(arguments),
            auth_required=not arguments.auth_optional,
            auth_require_tls=arguments.tls == "starttls" and not arguments.auth_in_clear,
        )
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Server(behaviour, **options), arguments.host, arguments.port,
        ssl=tls if arguments.tls == "implicit" else None)
    say(event="listening", port=server.sockets[0].getsockname()[1])
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while True:
        line = await reader.readline()
        if not line:
            break
        behaviour.follow(line)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(read_arguments()))
