namespace DbBackup.Engine.Repository.Signatures;

/// <summary>How the signatures of one listing are judged: by what this user knows of the repository when it begins.</summary>
internal sealed class SignatureReading
{
    private readonly SignerMemory _user;
    private readonly Guid _repository;
    private readonly bool _isExpected;
    private readonly RepositoryMemory? _known;
    private readonly SignatureJudge _judge;

    /// <summary>Reads what the user knows.</summary>
    /// <param name="user">The user.</param>
    /// <param name="repository">The repository's id.</param>
    /// <param name="isExpected">False if the user knows another repository at this location.</param>
    /// <exception cref="BackupException">What the user knows cannot be read.</exception>
    public SignatureReading(SignerMemory user, Guid repository, bool isExpected)
    {
        _user = user;
        _repository = repository;
        _isExpected = isExpected;
        _known = user.Find(repository);
        _judge = new SignatureJudge(_known, user.FindKey()?.PublicKey, repository, isExpected);
        Verified = user.VerifiedOf(repository);
    }

    /// <summary>The manifests that were verified before.</summary>
    public VerifiedManifests Verified { get; }

    /// <summary>Judges one backup alone.</summary>
    public Backup Judge(ListedBackup backup, string location) => backup.ToBackup(location, _judge.Judge([backup])[0].Signature);

    /// <summary>Judges whole sources, and remembers what is new of them.</summary>
    /// <param name="listed">The backups.</param>
    /// <param name="location">The repository's location.</param>
    /// <param name="isAll">True if they are all of the repository's.</param>
    public IReadOnlyCollection<Backup> Judge(IReadOnlyCollection<ListedBackup> listed, string location, bool isAll)
    {
        IReadOnlyList<(ListedBackup Backup, BackupSignature? Signature)> judged = _judge.Judge(listed);
        // Tried on what was read before the file is locked for it.
        if (_isExpected && _judge.Learn(_known ?? new(), judged))
        {
            _user.Update(_repository, known =>
            {
                known.Location = location;
                return _judge.Learn(known, judged);
            });
        }

        Verified.Save(isAll);
        return [.. judged.Select(each => each.Backup.ToBackup(location, each.Signature))];
    }
}
