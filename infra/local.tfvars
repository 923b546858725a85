# An emulator on this machine. Everything that the API needs is the same as in AWS; what an emulator does
# not have is switched off. The connector runs as a process beside it.
stage        = "local"
prefix       = "kurir-local-"
region       = "us-east-1"
endpoint_url = "http://127.0.0.1:4566"

# Functions run on this machine's processor: add `-var architecture=arm64` where that is one.
architecture = "x86_64"
registration = "open"

connector              = false
alarms                 = false
api_access_log         = false
customer_key           = false
point_in_time_recovery = false
deletion_protection    = false
secret_recovery_days   = 0
