import sys; sys.path.insert(0,'/tmp/short/work')
import numpy as np
from tools import train_analyser as t
from analytics.embedded import machine
from analytics.embedded.decision import sign_of
def run(drop=None):
    texts,labels=t.read(); m=t.prepare(texts)
    k=machine.likeness(m["views"],m["views"])+t.run_kernel(m); w=t.targets(labels)
    return texts,labels,k,w
texts,labels,k,w=run()
def show(name,keep,w):
    idx=np.where(keep)[0]; f=labels.files[idx]
    h=t.crossed(k[np.ix_(idx,idx)],w[idx],f)
    sub=t.Labels(f,labels.grades[idx],labels.emotions[idx],labels.tones[idx],labels.satisfaction[idx])
    cal=t.calibrate(h,sub); known=~np.isnan(h[:,0]); a=machine.split(h[known],cal["sharpness"],cal["sign_bias"])
    tr=sub.signs[known]
    for c in (2.75,3.0):
        s=np.array([sign_of(x,c) for x in a.signs])+1; print(name,c,"right %.4f flips %.4f"%((s==tr).mean(),(abs(s-tr)==2).mean()))
    print(name,"emotion %.4f tone %.4f"%((a.emotions.argmax(1)==sub.emotions[known]).mean(),(a.tones.argmax(1)==sub.tones[known]).mean()),flush=True)
if __name__=="__main__":
    show("without",labels.files!="plain",w)
    show("with",labels.files!="",w)
    w2=w.copy(); rows=labels.files=="plain"; lo,hi=machine.ENDS[1],machine.ENDS[2]
    # tone of plain rows by a rule
    import re
    INF=re.compile(r"\b(top|show|massa|vcs|vc|mt|mto|obg|n|nao curti|véi|mó|tá|tô|to|pra|viu|hein|demais|curti|kk|aff|vlw|brabo|fera)\b|[!]|[^\w\s,.?¿'’/áéíóúâêôãõçñü:+-]|(.)\2\2",re.I)
    tones=labels.tones.copy()
    for i in np.where(rows)[0]:
        cur=machine.TONES[labels.tones[i]]
        if cur in("neutro","informal"): tones[i]=machine.TONES.index("informal" if INF.search(texts[i]) else "neutro")
    w2[:,lo:hi]=np.eye(len(machine.TONES))[tones]*2-1
    show("rule",labels.files!="",w2)
