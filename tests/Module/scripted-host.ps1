# A prompt at which the answers are known beforehand, and what it showed can be read.
if (-not ('ScriptedHost' -as [type])) {
    Add-Type -TypeDefinition @'
using System; using System.Collections.Generic; using System.Collections.ObjectModel; using System.Globalization;
using System.Management.Automation; using System.Management.Automation.Host; using System.Security; using System.Text;
public sealed class ScriptedHost : PSHost {
    public readonly ScriptedUI Asked = new ScriptedUI();
    private readonly Guid id = Guid.NewGuid();
    public override CultureInfo CurrentCulture { get { return CultureInfo.InvariantCulture; } }
    public override CultureInfo CurrentUICulture { get { return CultureInfo.InvariantCulture; } }
    public override Guid InstanceId { get { return id; } }
    public override string Name { get { return "ScriptedHost"; } }
    public override PSHostUserInterface UI { get { return Asked; } }
    public override Version Version { get { return new Version(1, 0); } }
    public override void EnterNestedPrompt() { } public override void ExitNestedPrompt() { }
    public override void NotifyBeginApplication() { } public override void NotifyEndApplication() { }
    public override void SetShouldExit(int exitCode) { }
}
public sealed class ScriptedUI : PSHostUserInterface {
    public readonly StringBuilder Text = new StringBuilder();
    public readonly Queue<string> Lines = new Queue<string>();
    public readonly Queue<string> Choices = new Queue<string>();
    public int Questions;
    // Answers what is not in the queues as a user does who agrees: yes, the first of a list, "secret" for a password.
    public bool Agrees;
    public override PSHostRawUserInterface RawUI { get { return null; } }
    public override string ReadLine() { if (Lines.Count == 0 && Agrees) { Questions++; return "1"; } if (Lines.Count == 0) throw new InvalidOperationException("nobody answers"); string line = Lines.Dequeue(); Text.AppendLine(line); return line; }
    public override int PromptForChoice(string caption, string message, Collection<ChoiceDescription> choices, int defaultChoice) {
        Questions++; Text.AppendLine(caption).AppendLine(message);
        if (Choices.Count == 0 && Agrees) { for (int i = 0; i < choices.Count; i++) if (choices[i].Label.Replace("&", "") == "Yes") return i; return defaultChoice; }
        if (Choices.Count == 0) throw new InvalidOperationException("nobody answers");
        string answer = Choices.Dequeue();
        for (int i = 0; i < choices.Count; i++) if (choices[i].Label.Replace("&", "") == answer) { Text.AppendLine(answer); return i; }
        throw new InvalidOperationException("no such choice: " + answer);
    }
    public override Dictionary<string, PSObject> Prompt(string caption, string message, Collection<FieldDescription> descriptions) { throw new InvalidOperationException("a parameter is asked for: " + message); }
    public override PSCredential PromptForCredential(string a, string b, string c, string d) { return PromptForCredential(a, b, c, d, 0, 0); }
    public override PSCredential PromptForCredential(string a, string b, string c, string d, PSCredentialTypes e, PSCredentialUIOptions f) {
        if (!Agrees) throw new NotSupportedException();
        Questions++; var password = new SecureString(); foreach (char letter in "secret") password.AppendChar(letter); return new PSCredential(c, password);
    }
    public override SecureString ReadLineAsSecureString() { throw new NotSupportedException(); }
    public override void Write(string value) { Text.Append(value); }
    public override void Write(ConsoleColor f, ConsoleColor b, string value) { Text.Append(value); }
    public override void WriteLine(string value) { Text.AppendLine(value); }
    public override void WriteDebugLine(string m) { } public override void WriteErrorLine(string value) { Text.AppendLine(value); }
    public override void WriteProgress(long sourceId, ProgressRecord record) { }
    public override void WriteVerboseLine(string m) { Text.AppendLine(m); } public override void WriteWarningLine(string m) { Text.AppendLine(m); }
}
'@
}

# Runs a script at such a prompt; gives what it showed (Text), asked (Questions), emitted (Output) and its errors.
function Invoke-AtPrompt([string] $Script, [string[]] $Lines = @(), [string[]] $Choices = @()) {
    $prompt = [ScriptedHost]::new()
    foreach ($line in $Lines) { $prompt.Asked.Lines.Enqueue($line) }
    foreach ($choice in $Choices) { $prompt.Asked.Choices.Enqueue($choice) }
    $runspace = [runspacefactory]::CreateRunspace($prompt)
    $runspace.Open()
    $shell = [powershell]::Create($runspace)
    try {
        $output = $shell.AddScript("Set-Location '$($PWD.ProviderPath)'; Import-Module '$ModulePath'; $Script").Invoke()
        [pscustomobject]@{ Text = $prompt.Asked.Text.ToString(); Questions = $prompt.Asked.Questions; Output = $output; Errors = @($shell.Streams.Error); Warnings = @($shell.Streams.Warning) }
    }
    finally { $shell.Dispose(); $runspace.Dispose() }
}
