"""
Followup: find out whether the customer was helped.

Owns the callback after each resolution, its attempts, and what the customer said. Hears
``intake.complaint.received|linked|unlinked|withdrawn|erased`` and ``resolution.case.resolved|closed|reopened``. Says
``followup.callback.*``, ``followup.satisfaction.recorded``, ``followup.dissatisfaction.raised`` and
``followup.message.requested``. Never reopens a case: dissatisfaction is a fact that resolution acts on.
"""
