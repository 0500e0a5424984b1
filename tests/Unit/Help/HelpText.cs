namespace DbBackup.Tests.Unit.Help;

/// <summary>Markdown of a cmdlet that does not exist, whole and right; the tests take pieces out of it.</summary>
internal static class HelpText
{
    public const string Command = """
        ---
        external help file: DbBackup.PowerShell.dll-Help.xml
        Module Name: DbBackup
        online version:
        schema: 2.0.0
        ---

        # Get-Thing

        ## SYNOPSIS

        Gets a `thing` & more.

        ## SYNTAX

        ### Path (Default)

        ```
        Get-Thing [-Path] <String[]> [[-Filter] <String>] -Level <Level> [-Repository <String>] [-Force]
         [<CommonParameters>]
        ```

        ### LiteralPath

        ```
        Get-Thing -LiteralPath <String[]> -Level <Level> [-Repository <String>] [-Force] [<CommonParameters>]
        ```

        ## DESCRIPTION

        First paragraph, which
        goes on.

        1. one

        2. two

        ## EXAMPLES

        ### Example 1: A title

        ```powershell
        Get-Thing ./a |
            Where Age -gt 7d
        ```

        What comes out.

        ## PARAMETERS

        ### -Path

        The paths.

        ```yaml
        Type: String[]
        Parameter Sets: Path
        Aliases:

        Required: True
        Position: 0
        Default value: None
        Accept pipeline input: True (ByValue)
        Accept wildcard characters: True
        ```

        ### -Filter

        The filter.

        ```yaml
        Type: String
        Parameter Sets: Path
        Aliases:

        Required: False
        Position: 1
        Default value: None
        Accept pipeline input: False
        Accept wildcard characters: False
        ```

        ### -LiteralPath

        The exact paths.

        ```yaml
        Type: String[]
        Parameter Sets: LiteralPath
        Aliases: PSPath, FullName

        Required: True
        Position: Named
        Default value: None
        Accept pipeline input: True (ByPropertyName)
        Accept wildcard characters: False
        ```

        ### -Level

        The level.

        ```yaml
        Type: Level
        Parameter Sets: (All)
        Aliases:
        Accepted values: Low, High

        Required: True
        Position: Named
        Default value: Low
        Accept pipeline input: False
        Accept wildcard characters: False
        ```

        ### -Repository

        The repository.

        ```yaml
        Type: String
        Parameter Sets: (All)
        Aliases:

        Required: False
        Position: Named
        Default value: ./backups
        Accept pipeline input: False
        Accept wildcard characters: False
        ```

        ### -Force

        Insists.

        ```yaml
        Type: SwitchParameter
        Parameter Sets: (All)
        Aliases:

        Required: False
        Position: Named
        Default value: False
        Accept pipeline input: False
        Accept wildcard characters: False
        ```

        ### CommonParameters

        The common ones.

        ## INPUTS

        ### System.String[]

        Paths.

        ## OUTPUTS

        ### Some.Thing

        The thing.

        ## NOTES

        A note.

        ## RELATED LINKS

        [New-Thing](New-Thing.md)
        """;

    public const string About = """
        # about_Thing

        ## Short description

        What a thing is.

        ## Long description

        A long paragraph that is certainly longer than eighty characters, so that it has to be broken somewhere between two of its words.

        ### Words

        | Word | Meaning |
        | --- | --- |
        | thing | What a thing is, said in so many words that they cannot stand on one line of a console. |

        - an item

        ```
        Get-Thing
        ```
        """;

    /// <summary>The line, counted from 1, on which a text first stands.</summary>
    public static int LineOf(string markdown, string text) =>
        Array.FindIndex(markdown.Split('\n'), line => line.StartsWith(text, StringComparison.Ordinal)) + 1;
}
