"""What all servers tell Prometheus and those who ask whether a server is well: /metrics, /healthz and /readyz."""
