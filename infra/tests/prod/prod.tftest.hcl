# What prod.tfvars makes: terraform test -test-directory=tests/prod -var-file=prod.tfvars

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  master_key = "bm90IGEga2V5LCBub3QgYSBrZXksIG5vdCBhIGtleSE="
  package    = "./functions.json"
}

run "safe" {
  assert {
    condition = (
      alltrue([for table in aws_dynamodb_table.this : table.deletion_protection_enabled && table.point_in_time_recovery[0].enabled])
      && !aws_s3_bucket.media.force_destroy
      && length(aws_kms_key.this) == 1
      && aws_secretsmanager_secret.master_key.recovery_window_in_days == 30
    )
    error_message = "Data of prod can be lost."
  }

  assert {
    condition     = aws_appautoscaling_target.connector[0].min_capacity >= 2 && alltrue([for function in aws_lambda_function.this : function.environment[0].variables.KURIR_REGISTRATION == "closed"])
    error_message = "prod has two connectors at least, and no strangers."
  }
}
