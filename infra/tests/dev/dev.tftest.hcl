# What dev.tfvars makes: terraform test -test-directory=tests/dev -var-file=dev.tfvars

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  master_key = "bm90IGEga2V5LCBub3QgYSBrZXksIG5vdCBhIGtleSE="
  package    = "./functions.json"
}

run "small_and_easily_removed" {
  assert {
    condition     = var.prefix != "kurir-" && aws_s3_bucket.media.force_destroy && aws_appautoscaling_target.connector[0].min_capacity == 1
    error_message = "dev must not share names with prod, and may be removed."
  }
}
