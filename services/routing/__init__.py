"""
Routing: name the cause of a complaint, and say who will answer it.

Owns the classification, the triage queue, the roster of agents and who has which complaint. Hears
``intake.complaint.received|linked|unlinked|withdrawn|erased``, ``resolution.case.closed|reopened`` and
``resolution.cause.confirmed``. Says ``routing.complaint.classified|routed``, ``routing.triage.requested`` and
``routing.classification.corrected``. Never handles a case: who has a complaint is a fact that resolution acts on.
"""
