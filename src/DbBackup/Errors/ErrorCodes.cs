namespace DbBackup;

/// <summary>The stable names of all failures. Scripts match on them: a name is never changed or reused.</summary>
public static class ErrorCodes
{
    /// <summary>A name of a backup, source or tag cannot be used as one.</summary>
    public const string InvalidName = nameof(InvalidName);

    /// <summary>Arguments that do not go together.</summary>
    public const string InvalidArgument = nameof(InvalidArgument);

    /// <summary>The source does not exist.</summary>
    public const string SourceNotFound = nameof(SourceNotFound);

    /// <summary>The source is not of the kind that was expected, such as a file that is not a SQLite database.</summary>
    public const string SourceNotSqlite = nameof(SourceNotSqlite);

    /// <summary>The source holds nothing to back up.</summary>
    public const string SourceEmpty = nameof(SourceEmpty);

    /// <summary>The source is damaged.</summary>
    public const string SourceCorrupt = nameof(SourceCorrupt);

    /// <summary>The source is locked by another process.</summary>
    public const string SourceLocked = nameof(SourceLocked);

    /// <summary>The source cannot be read.</summary>
    public const string SourceUnreadable = nameof(SourceUnreadable);

    /// <summary>The source's name belongs to another database in this repository.</summary>
    public const string SourceNameTaken = nameof(SourceNameTaken);

    /// <summary>The repository does not exist.</summary>
    public const string RepositoryNotFound = nameof(RepositoryNotFound);

    /// <summary>The repository cannot be written.</summary>
    public const string RepositoryNotWritable = nameof(RepositoryNotWritable);

    /// <summary>The repository that was used at a place before is not there: its disk or share may not be mounted.</summary>
    public const string RepositoryGone = nameof(RepositoryGone);

    /// <summary>Another repository is at the place of the one that was used before.</summary>
    public const string RepositoryChanged = nameof(RepositoryChanged);

    /// <summary>There is no store for such a location.</summary>
    public const string RepositoryNotSupported = nameof(RepositoryNotSupported);

    /// <summary>The repository, or something in it, is in use by another run.</summary>
    public const string RepositoryBusy = nameof(RepositoryBusy);

    /// <summary>No backup answers to the name or filter.</summary>
    public const string BackupNotFound = nameof(BackupNotFound);

    /// <summary>A backup of that name exists.</summary>
    public const string BackupExists = nameof(BackupExists);

    /// <summary>A name fits several backups where one is needed.</summary>
    public const string BackupAmbiguous = nameof(BackupAmbiguous);

    /// <summary>The store keeps an object until a date (object lock), and refuses to delete it before.</summary>
    public const string ObjectLocked = nameof(ObjectLocked);

    /// <summary>The full backup from which an incremental one differs is missing, damaged or another one.</summary>
    public const string ParentUnusable = nameof(ParentUnusable);

    /// <summary>Other backups differ from the backup, and cannot be restored without it.</summary>
    public const string ParentNeeded = nameof(ParentNeeded);

    /// <summary>The backup is encrypted, and no key was given that opens it.</summary>
    public const string BackupEncrypted = nameof(BackupEncrypted);

    /// <summary>The keys or the passphrase that were given do not open the backup.</summary>
    public const string KeyMismatch = nameof(KeyMismatch);

    /// <summary>An identity or recipient cannot be read, or is none.</summary>
    public const string KeyInvalid = nameof(KeyInvalid);

    /// <summary>The host key of a server is not known on this machine.</summary>
    public const string HostKeyUnknown = nameof(HostKeyUnknown);

    /// <summary>A server has another host key than the known one, or a revoked one.</summary>
    public const string HostKeyChanged = nameof(HostKeyChanged);

    /// <summary>A backup is in use by a restore or test.</summary>
    public const string BackupInUse = nameof(BackupInUse);

    /// <summary>A backup's payload does not have the hash or size that its manifest states.</summary>
    public const string BackupDamaged = nameof(BackupDamaged);

    /// <summary>A backup was made and kept, but its test failed or could not run.</summary>
    public const string BackupUnproved = nameof(BackupUnproved);

    /// <summary>A backup's manifest cannot be read.</summary>
    public const string ManifestUnreadable = nameof(ManifestUnreadable);

    /// <summary>A backup's manifest was written by a newer format version.</summary>
    public const string ManifestTooNew = nameof(ManifestTooNew);

    /// <summary>The backup is the last good one of its source.</summary>
    public const string LastGoodBackup = nameof(LastGoodBackup);

    /// <summary>The backup is locked (Lock-DbBackup).</summary>
    public const string BackupHeld = nameof(BackupHeld);

    /// <summary>A volume has too little room.</summary>
    public const string NotEnoughSpace = nameof(NotEnoughSpace);

    /// <summary>Writing failed in the middle.</summary>
    public const string WriteFailed = nameof(WriteFailed);

    /// <summary>Reading failed in the middle.</summary>
    public const string ReadFailed = nameof(ReadFailed);

    /// <summary>A program that is needed is not installed.</summary>
    public const string ToolMissing = nameof(ToolMissing);

    /// <summary>A program that was run failed.</summary>
    public const string ToolFailed = nameof(ToolFailed);

    /// <summary>There is no such upgrade.</summary>
    public const string UpgradeNotFound = nameof(UpgradeNotFound);

    /// <summary>Another upgrade of the same database is at work.</summary>
    public const string UpgradeInProgress = nameof(UpgradeInProgress);

    /// <summary>An earlier upgrade of the same database was cut off.</summary>
    public const string UpgradeUnfinished = nameof(UpgradeUnfinished);

    /// <summary>A step of an upgrade failed.</summary>
    public const string UpgradeStepFailed = nameof(UpgradeStepFailed);

    /// <summary>Files of a work tree were changed and not committed.</summary>
    public const string LocalChanges = nameof(LocalChanges);

    /// <summary>Others hold locks for which a migration would wait.</summary>
    public const string DatabaseInUse = nameof(DatabaseInUse);

    /// <summary>An upgrade failed, and the old state is back.</summary>
    public const string UpgradeRolledBack = nameof(UpgradeRolledBack);

    /// <summary>An upgrade failed, and was not taken back.</summary>
    public const string UpgradeFailed = nameof(UpgradeFailed);

    /// <summary>A database or backup has had migrations that an application's code does not know.</summary>
    public const string SchemaNotOfCode = nameof(SchemaNotOfCode);

    /// <summary>The migrations of an application's code cannot be read.</summary>
    public const string MigrationsUnreadable = nameof(MigrationsUnreadable);

    /// <summary>A compression or format that this machine cannot read or write.</summary>
    public const string FormatNotSupported = nameof(FormatNotSupported);

    /// <summary>A SQL dump is not whole or does not give back what it was made from.</summary>
    public const string DumpIncomplete = nameof(DumpIncomplete);

    /// <summary>A backup alone names a server, from which nothing was backed up here; a person must name it before anything is sent there.</summary>
    public const string ServerNotConfirmed = nameof(ServerNotConfirmed);

    /// <summary>The SQL text of a dump holds what would run as a command of the program that reads it, outside of the database.</summary>
    public const string DumpUnsafe = nameof(DumpUnsafe);

    /// <summary>A test found the backup damaged, or an assertion not true.</summary>
    public const string TestFailed = nameof(TestFailed);

    /// <summary>An assertion of a test could not run; the backup itself is sound.</summary>
    public const string AssertionNotRun = nameof(AssertionNotRun);

    /// <summary>The restored data are not what the backup's fingerprint states.</summary>
    public const string RestoreMismatch = nameof(RestoreMismatch);

    /// <summary>The restore's target is in use by another process.</summary>
    public const string TargetInUse = nameof(TargetInUse);

    /// <summary>The restore's target is missing or cannot be used.</summary>
    public const string TargetInvalid = nameof(TargetInvalid);

    /// <summary>An archive entry or statement would reach beyond its destination.</summary>
    public const string UnsafeContent = nameof(UnsafeContent);

    /// <summary>The backup holds a part of its source, and would take the place of all of it.</summary>
    public const string PartialBackup = nameof(PartialBackup);

    /// <summary>The file or folder is of no kind that can be imported as a backup.</summary>
    public const string ImportNotRecognized = nameof(ImportNotRecognized);

    /// <summary>Nothing tells when an imported file was made.</summary>
    public const string ImportDateUnknown = nameof(ImportDateUnknown);

    /// <summary>Nothing tells of what an imported file is a backup.</summary>
    public const string ImportSourceUnknown = nameof(ImportSourceUnknown);

    /// <summary>The destination exists and may not be overwritten.</summary>
    public const string DestinationExists = nameof(DestinationExists);

    /// <summary>An answer is needed, and the session cannot ask.</summary>
    public const string ConfirmationRequired = nameof(ConfirmationRequired);

    /// <summary>The connection goes through a pooler, whose other clients it would harm.</summary>
    public const string ConnectionPooled = nameof(ConnectionPooled);

    /// <summary>The server does not answer, or the connection was cut.</summary>
    public const string ServerUnreachable = nameof(ServerUnreachable);

    /// <summary>The server refuses the role or its password.</summary>
    public const string AuthenticationFailed = nameof(AuthenticationFailed);

    /// <summary>The role may not do what is needed.</summary>
    public const string PermissionDenied = nameof(PermissionDenied);

    /// <summary>The server reports a failure that has no name of its own here.</summary>
    public const string ServerFailed = nameof(ServerFailed);

    /// <summary>No program of a version that fits the server is installed.</summary>
    public const string ClientTooOld = nameof(ClientTooOld);

    /// <summary>The dump cannot go to a server of this version.</summary>
    public const string ServerTooOld = nameof(ServerTooOld);

    /// <summary>Roles or extensions that the dump needs are missing on the target's server.</summary>
    public const string TargetLacksObjects = nameof(TargetLacksObjects);

    /// <summary>The database that was kept on its server is not there any more.</summary>
    public const string KeptDatabaseGone = nameof(KeptDatabaseGone);

    /// <summary>The Docker engine has no such container, or no container of such a compose service.</summary>
    public const string ContainerNotFound = nameof(ContainerNotFound);

    /// <summary>A container that must run is stopped, paused or restarts again and again.</summary>
    public const string ContainerNotRunning = nameof(ContainerNotRunning);

    /// <summary>The Docker engine has no such volume.</summary>
    public const string VolumeNotFound = nameof(VolumeNotFound);

    /// <summary>The Docker engine has no such image.</summary>
    public const string ImageNotFound = nameof(ImageNotFound);

    /// <summary>The Docker engine reports a failure that has no name of its own here.</summary>
    public const string DockerFailed = nameof(DockerFailed);

    /// <summary>There is no such plan.</summary>
    public const string PlanNotFound = nameof(PlanNotFound);

    /// <summary>A plan of that name exists.</summary>
    public const string PlanExists = nameof(PlanExists);

    /// <summary>A file is no plan, or one of its values cannot be used.</summary>
    public const string PlanInvalid = nameof(PlanInvalid);

    /// <summary>Another run of the plan is at work.</summary>
    public const string PlanRunning = nameof(PlanRunning);

    /// <summary>A run of a plan failed.</summary>
    public const string PlanFailed = nameof(PlanFailed);

    /// <summary>A plan would hold a secret, of which it may name only where it is.</summary>
    public const string SecretInPlan = nameof(SecretInPlan);

    /// <summary>A reference names a secret that is not there.</summary>
    public const string SecretNotFound = nameof(SecretNotFound);

    /// <summary>A schedule cannot be read, or never comes.</summary>
    public const string ScheduleInvalid = nameof(ScheduleInvalid);

    /// <summary>The machine's scheduler is missing, or refuses.</summary>
    public const string SchedulerFailed = nameof(SchedulerFailed);

    /// <summary>Somebody could not be told of a run.</summary>
    public const string NotificationFailed = nameof(NotificationFailed);

    /// <summary>The backups of a source are in a critical state.</summary>
    public const string StatusCritical = nameof(StatusCritical);

    /// <summary>A backup's signature is missing, does not fit, or is of a signer who is not known here.</summary>
    public const string SignatureNotValid = nameof(SignatureNotValid);

    /// <summary>What this user knows of a repository's signers cannot be read.</summary>
    public const string SignersUnreadable = nameof(SignersUnreadable);

    /// <summary>The repository has no such signer.</summary>
    public const string SignerNotFound = nameof(SignerNotFound);

    /// <summary>The backups of a source are encrypted, and it was not said to whom another one is.</summary>
    public const string RecipientRequired = nameof(RecipientRequired);

    /// <summary>A check of a repository has found errors.</summary>
    public const string RepositoryTestFailed = nameof(RepositoryTestFailed);
}
