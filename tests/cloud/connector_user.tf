# Beside the stack, in the Lambda lane only: who the connector is, since it runs as a process and not on ECS. It may
# do what the policy of `infra/` allows and nothing else.
resource "aws_iam_user" "connector" {
  name = "${var.prefix}connector"
}

resource "aws_iam_user_policy" "connector" {
  name   = "data"
  user   = aws_iam_user.connector.name
  policy = local.policy["connector"]
}

resource "aws_iam_access_key" "connector" {
  user = aws_iam_user.connector.name
}

output "connector_key" {
  value     = { id = aws_iam_access_key.connector.id, secret = aws_iam_access_key.connector.secret }
  sensitive = true
}
