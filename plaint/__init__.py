"""
The operator's command, and the installation it can start on one machine.

It speaks to the services as any client does, over HTTP and Kafka, and starts them as processes; it never imports one.
"""
