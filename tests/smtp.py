"""A real mail server on this machine, well or ill, for the outbox to speak to."""

import asyncio
import email
import email.policy
import logging
import socket
from contextlib import closing

from aiosmtpd.controller import Controller

logging.getLogger("mail.log").setLevel(logging.ERROR)  # each word of each conversation


class Server:
    """Takes mail at 127.0.0.1:`port` into `messages`, in the order it came. Ill when told so:

    `refused` answers for one address (« 550 5.1.1 Inconnue »), `answer` to every message in place
    of taking it, `delay` seconds before each answer to a message, `dying` ends the connection in
    the middle of as many messages; `lost` those that it took without saying so."""

    def __init__(self):
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.messages, self.connections = [], 0
        self.refused, self.answer, self.delay = {}, "", 0
        self.dying = self.lost = 0
        self.controller = None

    # --- Well

    def start(self):
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self.controller.start()
        self.connections = 0  # its own trial
        return self

    def stop(self):
        if self.controller:
            self.controller.stop(no_assert=True)
        self.controller = None

    def to(self, address):
        """The messages that came for this address."""
        return [message for message in self.messages if message["To"] == address]

    # --- What aiosmtpd calls

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        self.connections += 1
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.dying:
            self.dying -= 1
            return self.hang_up(server)
        if self.answer:
            return self.answer
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        for name, value in message.items():
            message.replace_header(name, value.strip())  # folded before its first word
        message.envelope = envelope
        self.messages.append(message)
        if self.lost:
            self.lost -= 1
            return self.hang_up(server)
        return "250 OK"

    def hang_up(self, server):
        server.transport.abort()
        return "421 Trop tard"


def text(message):
    return message.get_body(["plain"]).get_content()


def html(message):
    return message.get_body(["html"]).get_content()
