stage  = "prod"
prefix = "kurir-"

registration = "closed"
log_days     = 90

connector_min      = 2
connector_max      = 8
container_insights = true
