# One static program, and nothing else: no shell, no tar, no cat.
FROM scratch
COPY sleeper /sleeper
ENTRYPOINT ["/sleeper"]
