"""The edge wire protocol, version 1, and the MQTT connection that both ends speak it over."""
