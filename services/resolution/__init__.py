"""
Resolution: find out what happened, put it right, answer in time.

Owns the case of each complaint from opened to closed and reopened, its clocks and its promises. Hears
``intake.complaint.received|linked|unlinked|withdrawn|erased``, ``intake.message.received|sent|failed``,
``routing.complaint.classified|routed``, ``routing.classification.corrected``, ``followup.satisfaction.recorded``,
``followup.dissatisfaction.raised`` and ``followup.callback.abandoned``. Says ``resolution.case.*``,
``resolution.deadline.*``, ``resolution.promise.*``, ``resolution.cause.confirmed`` and
``resolution.message.requested``. Never decides who answers, nor whether it helped: those are facts it acts on.
"""
