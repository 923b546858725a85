# The key from which all others derive. Nothing that is stored can be read without it. It is given on the first
# apply, as TF_VAR_master_key="$(openssl rand -base64 32)", and not needed on later ones.
resource "aws_secretsmanager_secret" "master_key" {
  name                    = "${var.prefix}master-key"
  description             = "KURIR_MASTER_KEY: 32 bytes in base64"
  kms_key_id              = one(aws_kms_key.this[*].arn)
  recovery_window_in_days = var.secret_recovery_days
}

resource "aws_secretsmanager_secret_version" "master_key" {
  secret_id = aws_secretsmanager_secret.master_key.id
  # Write-only: not in the plan, not in the state, and not compared on later applies.
  secret_string_wo         = coalesce(var.master_key, "none")
  secret_string_wo_version = var.master_key_version
}

# The functions take the key from their environment, so that a cold start asks nobody. That puts it into the
# state, marked sensitive: keep the state encrypted. The connector gets it from ECS, which reads the secret.
data "aws_secretsmanager_secret_version" "master_key" {
  secret_id  = aws_secretsmanager_secret.master_key.id
  depends_on = [aws_secretsmanager_secret_version.master_key]

  lifecycle {
    postcondition {
      condition     = can(regex("^[A-Za-z0-9+/]{43}=$", self.secret_string))
      error_message = "There is no master key yet: apply with TF_VAR_master_key=\"$(openssl rand -base64 32)\" and a master_key_version higher than before (2 on the second try)."
    }
  }
}

# Access tokens are signed with a key derived from the master key. To sign with others, put a keys file and
# the keys into a layer (`function_layers`) and name it: function_environment = { KURIR_JWT_KEYS_FILE = "/opt/…" }.
