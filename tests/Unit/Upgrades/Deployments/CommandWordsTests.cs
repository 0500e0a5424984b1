using DbBackup.Upgrades.Deployments;

namespace DbBackup.Tests.Unit.Upgrades.Deployments;

public sealed class CommandWordsTests
{
    [Theory]
    [InlineData("alembic upgrade head", "alembic", "upgrade", "head")]
    [InlineData("  alembic\tupgrade   head ", "alembic", "upgrade", "head")]
    [InlineData("bun run 'db migrate' \"it's\"", "bun", "run", "db migrate", "it's")]
    [InlineData("migrate --name=''", "migrate", "--name=")]
    [InlineData("migrate '' --url=a=b", "migrate", "", "--url=a=b")]
    [InlineData("a'b c'd", "ab cd")]
    public void Plain_command_is_its_words(string command, params string[] words) => Assert.Equal(words, CommandWords.Of(command));

    [Theory]
    [InlineData("cd backend && alembic upgrade head")]
    [InlineData("echo $DATABASE_URL")]
    [InlineData("echo \"$HOME\"")]
    [InlineData("migrate > log")]
    [InlineData("migrate; true")]
    [InlineData("migrate *.sql")]
    [InlineData("DEBUG=1 migrate")]
    [InlineData("echo a\\ b")]
    [InlineData("echo 'left open")]
    [InlineData("one\ntwo")]
    [InlineData("")]
    public void Command_that_means_something_to_a_shell_gets_one(string command) => Assert.Equal(["sh", "-c", command], CommandWords.Of(command));
}
