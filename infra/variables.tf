# What is deployed

variable "stage" {
  description = "Which deployment this is; it tags everything."
  type        = string

  validation {
    condition     = contains(["dev", "prod", "local"], var.stage)
    error_message = "The stage is dev, prod or local."
  }
}

variable "region" {
  description = "The AWS region."
  type        = string
  default     = "ap-southeast-3"
}

variable "prefix" {
  description = "In front of every name (KURIR_PREFIX), so that several deployments can share an account."
  type        = string
  default     = "kurir-"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,18}-$", var.prefix))
    error_message = "A prefix is at most 20 lower-case letters, digits and hyphens, and ends with a hyphen."
  }
}

variable "tags" {
  description = "Tags on everything, beside Application and Stage."
  type        = map(string)
  default     = {}
}

variable "definitions" {
  description = "Folder of tables.json, queues.json and functions.json; by default this one."
  type        = string
  default     = null
}

# Functions

variable "architecture" {
  description = "Processor of functions and connector: arm64 costs a fifth less than x86_64."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "The architecture is arm64 or x86_64."
  }
}

variable "package" {
  description = "Where the functions' packages are; {function} stands for a function's name. The default is where `cargo lambda build --release --output-format zip` puts them."
  type        = string
  default     = "../target/lambda/{function}/bootstrap.zip"
}

variable "functions_off" {
  description = "Functions of functions.json that are not deployed."
  type        = set(string)
  default     = []
}

variable "function_environment" {
  description = "More settings of the functions, such as KURIR_LOG, KURIR_PLANS_FILE or KURIR_JWT_KEYS_FILE. Not for secrets."
  type        = map(string)
  default     = {}
}

variable "function_layers" {
  description = "Lambda layers (ARNs) of every function: files that settings name lie there, under /opt."
  type        = list(string)
  default     = []
}

variable "registration" {
  description = "Whether strangers may register (KURIR_REGISTRATION)."
  type        = string
  default     = "closed"

  validation {
    condition     = contains(["open", "closed"], var.registration)
    error_message = "Registration is open or closed."
  }
}

variable "cors_origins" {
  description = "Web origins whose pages may call the API (KURIR_CORS_ORIGINS)."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for origin in var.cors_origins : can(regex("^https?://[^/,]+$", origin))])
    error_message = "An origin is like https://app.example.com, without a path."
  }
}

variable "ip_allow" {
  description = "The only networks that may call the API, when there are any (KURIR_IP_ALLOW)."
  type        = list(string)
  default     = []
}

variable "ip_deny" {
  description = "Networks that may not call the API (KURIR_IP_DENY)."
  type        = list(string)
  default     = []
}

variable "api_rate_limit" {
  description = "Requests a second that the API takes on average, of all callers together."
  type        = number
  default     = 500
}

variable "api_burst_limit" {
  description = "Requests that the API takes at once, of all callers together."
  type        = number
  default     = 1000
}

variable "api_access_log" {
  description = "Whether each request is logged."
  type        = bool
  default     = true
}

# Secrets

variable "master_key" {
  description = "KURIR_MASTER_KEY: 32 bytes in base64, from `openssl rand -base64 32`. Needed on the first apply only, or with a new master_key_version; give it as TF_VAR_master_key, not in a file."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = var.master_key == null || can(regex("^[A-Za-z0-9+/]{43}=$", var.master_key))
    error_message = "The master key is 32 bytes in base64, for example from `openssl rand -base64 32`."
  }
}

variable "master_key_version" {
  description = "Raise it to put `master_key` in place of the present one, after a restore. What was sealed with another key cannot be read with it."
  type        = number
  default     = 1
}

variable "admin_email" {
  description = "E-mail address of the first administrator (KURIR_ADMIN_EMAIL), whom the scheduler makes unless the address has an account; null makes none."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = (var.admin_email == null) == (var.admin_password == null)
    error_message = "The first administrator needs both an e-mail address and a password."
  }
}

variable "admin_password" {
  description = "The first administrator's first password (KURIR_ADMIN_PASSWORD): give it as TF_VAR_admin_password, change it after the first login, then take both away."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.admin_password == null || try(length(var.admin_password) >= 8 && length(var.admin_password) <= 256, false)
    error_message = "A password has 8 to 256 characters."
  }
}

variable "secret_recovery_days" {
  description = "How long a deleted secret can be brought back; 0 deletes at once."
  type        = number
  default     = 30

  validation {
    condition     = var.secret_recovery_days == 0 || (var.secret_recovery_days >= 7 && var.secret_recovery_days <= 30)
    error_message = "AWS takes 0, or 7 to 30 days."
  }
}

# Data

variable "customer_key" {
  description = "Whether data is encrypted with a KMS key of this deployment's own, not with AWS's."
  type        = bool
  default     = true
}

variable "point_in_time_recovery" {
  description = "Whether tables can be restored to any second of the last 35 days."
  type        = bool
  default     = true
}

variable "deletion_protection" {
  description = "Whether tables, media and images are safe from `terraform destroy`."
  type        = bool
  default     = true
}

variable "media_days" {
  description = "How long media is kept."
  type        = number
  default     = 90

  validation {
    condition     = var.media_days >= 1
    error_message = "Media is kept at least a day."
  }
}

variable "log_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, … days."
  }
}

# Connector

variable "connector" {
  description = "Whether the connector runs on ECS, with its network. Without it, run it elsewhere."
  type        = bool
  default     = true
}

variable "connector_image" {
  description = "The connector's image, when it is not in this deployment's own repository."
  type        = string
  default     = null
}

variable "connector_release" {
  description = "Tag of the image in this deployment's repository."
  type        = string
  default     = "0.1.0"

  validation {
    condition     = can(regex("^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$", var.connector_release)) && var.connector_release != "latest"
    error_message = "A release is an image tag that stays what it is: a version or a commit, not latest."
  }
}

variable "connector_cpu" {
  description = "Processor units of a connector; 1024 are one core."
  type        = number
  default     = 1024

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096, 8192, 16384], var.connector_cpu)
    error_message = "Fargate has 256, 512, 1024, 2048, 4096, 8192 or 16384 units."
  }
}

variable "connector_memory" {
  description = "Memory of a connector in MiB, of what Fargate offers with its processor units."
  type        = number
  default     = 2048
}

variable "connector_min" {
  description = "The fewest connectors that run."
  type        = number
  default     = 2

  validation {
    condition     = var.connector_min >= 1
    error_message = "Without a connector nothing is sent."
  }
}

variable "connector_max" {
  description = "The most connectors that run; never more than there are shards."
  type        = number
  default     = 4
}

variable "connector_sessions" {
  description = "How many sessions a connector should hold: autoscaling aims at it."
  type        = number
  default     = 2000
}

variable "connector_stop_seconds" {
  description = "How long a connector may take to stop after SIGTERM."
  type        = number
  default     = 60

  validation {
    condition     = var.connector_stop_seconds >= 20 && var.connector_stop_seconds <= 120
    error_message = "The connector itself takes up to 15 s for sends under way; Fargate waits at most 120 s."
  }
}

variable "connector_health_command" {
  description = "What ECS runs in the container to see whether the connector is well, as program and arguments; empty: it only sees whether it runs."
  type        = list(string)
  default     = ["/usr/local/bin/connector", "--healthcheck"]
}

variable "connector_environment" {
  description = "More settings of the connector, such as KURIR_LOG or KURIR_WA_VERSION. Not for secrets."
  type        = map(string)
  default     = {}
}

variable "container_insights" {
  description = "Whether ECS collects detailed metrics, at a price."
  type        = bool
  default     = false
}

variable "subnet_ids" {
  description = "Subnets for the connector, all of one VPC; empty makes a small network."
  type        = list(string)
  default     = []
}

variable "assign_public_ip" {
  description = "Whether connectors in given subnets get public addresses: needed where there is no NAT gateway."
  type        = bool
  default     = false
}

variable "vpc_cidr" {
  description = "Addresses of the network that is made."
  type        = string
  default     = "10.64.0.0/20"

  validation {
    condition     = can(cidrsubnet(var.vpc_cidr, 4, 1))
    error_message = "A network is like 10.64.0.0/20, at least sixteen times the smallest subnet."
  }
}

# Watching

variable "alarms" {
  description = "Whether there are alarms and a dashboard."
  type        = bool
  default     = true
}

variable "alarm_emails" {
  description = "Who gets alarms by e-mail; each address has to confirm."
  type        = list(string)
  default     = []
}

variable "oldest_message_seconds" {
  description = "From which age on a message in a send queue is an alarm. Messages expire after a day by default."
  type        = number
  default     = 90000
}

variable "server_errors" {
  description = "How many answers with 5xx in five minutes are not yet an alarm."
  type        = number
  default     = 5
}

# An emulator in AWS's place

variable "endpoint_url" {
  description = "Address of an emulator (ministack, LocalStack) to deploy to in place of AWS; functions get it as AWS_ENDPOINT_URL."
  type        = string
  default     = null
}
