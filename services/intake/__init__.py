"""
Intake: take complaints as they are told, know whose they are, and send everything that is sent back.

Owns contacts, customers and their identities, complaint numbers, tokens and outgoing messages; personal data lives in
its database alone. Hears ``resolution.message.requested``, ``resolution.case.closed|reopened`` and
``followup.message.requested``. Says ``intake.complaint.*``, ``intake.message.*`` and ``intake.contact.recorded``, all
of them masked. Never decides who answers a complaint or by when.
"""
