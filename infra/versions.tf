# State: a local file until a `backend.tf` says where it is kept (see backend.tf.example).
terraform {
  # 1.11 brought write-only arguments, which keep the master key out of plans.
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = merge({ Application = "kurir", Stage = var.stage }, var.tags)
  }

  # An emulator on this machine has one address for every service, and these credentials if it checks any.
  access_key                  = local.in_aws ? null : "test"
  secret_key                  = local.in_aws ? null : "test"
  skip_credentials_validation = !local.in_aws
  skip_metadata_api_check     = !local.in_aws
  skip_region_validation      = !local.in_aws
  skip_requesting_account_id  = !local.in_aws
  s3_use_path_style           = !local.in_aws

  dynamic "endpoints" {
    for_each = local.in_aws ? [] : [var.endpoint_url]
    content {
      apigatewayv2   = endpoints.value
      appautoscaling = endpoints.value
      cloudformation = endpoints.value
      cloudwatch     = endpoints.value
      dynamodb       = endpoints.value
      ec2            = endpoints.value
      ecr            = endpoints.value
      ecs            = endpoints.value
      events         = endpoints.value
      iam            = endpoints.value
      kms            = endpoints.value
      lambda         = endpoints.value
      logs           = endpoints.value
      s3             = endpoints.value
      secretsmanager = endpoints.value
      sns            = endpoints.value
      sqs            = endpoints.value
      sts            = endpoints.value
    }
  }
}

locals {
  in_aws = var.endpoint_url == null
}

data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}
