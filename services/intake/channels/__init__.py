"""
Channels: turn what a front end hands in into one shape, whatever it came by.

Mail gateways post RFC 5322 bytes, chat platforms and call centres post JSON, other systems post a complaint.
Each parser here answers with an ``IncomingContact`` or raises ``Unreadable``; it reads nothing but its argument,
so the same bytes give the same contact today and when they are read again in ten years.

Nothing here decides whether a contact is a complaint, who the customer is, or which complaint it belongs to.
"""
