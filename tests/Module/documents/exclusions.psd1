# Commands of the documents that no test runs, each with its reason. One that is no longer in its document fails the tests.
@{
    Commands = @(
        @{ Document = 'docs/guides/sqlite.md'; Text = 'docker pull ghcr.io/madeinoz67/partshub:latest'; Reason = 'It fetches from a registry of others.' }
        @{ Document = 'README.md'; Text = 'dotnet run samples/Demo.cs'; Reason = 'A test of its own runs it, in a clone.' }
        @{
            Document = 'README.md'; Text = 'dotnet pwsh -NoExit -Command "Import-Module ./DbBackup.psd1; Set-Location demo"'
            Reason   = 'It opens a shell for a user; the commands after it are run in one like it.'
        }
    )
}
