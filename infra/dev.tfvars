stage  = "dev"
prefix = "kurir-dev-"

registration           = "open"
deletion_protection    = false
point_in_time_recovery = false
secret_recovery_days   = 7
media_days             = 7
log_days               = 7

connector_cpu    = 512
connector_memory = 1024
connector_min    = 1
connector_max    = 2
